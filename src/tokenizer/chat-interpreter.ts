// Chat templates are written for Python. Where the engine's way with them differs in what it writes,
// statements and operations are evaluated here: loops keep what they wrote before a `break` or a
// `continue` and forget their variables, values are printed as Python prints them, and text is only
// ever joined to text.

import { Environment, Interpreter } from '@huggingface/jinja';
import type { Budget } from './chat-budget.ts';
import {
  compared,
  isEqual,
  methods,
  plain,
  printed,
  stripped,
  textOf,
  typeName,
} from './chat-python.ts';
import { bind, blockOf, changed, isTrue, itemsOf, known, type Node } from './chat-nodes.ts';

type Value = ReturnType<Environment['lookupVariable']>;
type Program = Parameters<Interpreter['run']>[0];

/** What a block wrote, and whether it left its loop's turn or the loop. */
interface Written {
  readonly text: string;
  readonly exit?: 'Break' | 'Continue';
}

/** Statements with a value that is not written. */
const silent = new Set(['Set', 'Macro', 'Comment']);

export class PythonInterpreter extends Interpreter {
  readonly #budget: Budget;
  readonly #sourceLength: number;

  constructor(scope: Environment, budget: Budget, sourceLength: number) {
    super(scope);
    this.#budget = budget;
    this.#sourceLength = sourceLength;
  }

  override evaluate(statement: Program['body'][number] | undefined, scope: Environment): Value {
    if (statement === undefined) return super.evaluate(statement, scope);
    this.#budget.spend(1);
    const value = this.#budget.within(() => this.#evaluate(statement as Node, scope));
    if (typeof value?.value === 'string') this.#budget.write(value.value.length);
    return value;
  }

  #evaluate(node: Node, scope: Environment): Value {
    switch (node.type) {
      case 'Known':
        return node['value'] as Value;
      case 'Program':
      case 'Block':
      case 'If':
      case 'For':
        return this.#text(this.#whole(node, scope), scope);
      case 'Macro':
      case 'CallStatement':
        // The engine looks through all that stands in it.
        this.#budget.spend(this.#sourceLength / 64);
        return super.evaluate(blockOf(node), scope);
      case 'FilterStatement': {
        const operand = this.evaluate(changed(node, { type: 'Block' }), scope);
        return this.#filter(changed(node, { operand: known(operand) }), scope);
      }
      case 'Set':
        return super.evaluate(blockOf(node), scope);
      case 'BinaryExpression':
        return this.#operation(node, scope);
      case 'CallExpression': {
        const value = this.#call(node, scope);
        this.#budget.work(value);
        return value;
      }
      case 'FilterExpression':
        return this.#filter(node, scope);
      case 'MemberExpression':
        return this.#member(node, scope);
      default:
        return super.evaluate(node, scope);
    }
  }

  #whole(node: Node, scope: Environment): string {
    const { text, exit } = this.#statement(node, scope);
    if (exit === undefined) return text;
    throw new Error(`{% ${exit.toLowerCase()} %} stands outside of a loop`);
  }

  #block(statements: unknown, scope: Environment): Written {
    let written = '';
    for (const statement of (statements ?? []) as Node[]) {
      const { text, exit } = this.#statement(statement, scope);
      written += text;
      this.#budget.write(written.length);
      if (exit !== undefined) return { text: written, exit };
    }
    return { text: written };
  }

  #statement(node: Node, scope: Environment): Written {
    switch (node.type) {
      case 'Break':
      case 'Continue':
        return { text: '', exit: node.type };
      case 'Program':
      case 'Block':
        return this.#block(node['body'], scope);
      case 'If': {
        const test = this.evaluate(node['test'] as Node, scope);
        return this.#block(node[isTrue(test) ? 'body' : 'alternate'], scope);
      }
      case 'For':
        return { text: this.#loop(node, scope) };
      default: {
        const value = this.evaluate(node, scope);
        return { text: silent.has(node.type) ? '' : this.#printed(value) };
      }
    }
  }

  /** Each turn has variables of its own, of which nothing is left after it. */
  #loop(node: Node, scope: Environment): string {
    const iterable = node['iterable'] as Node;
    const isSelected = iterable.type === 'SelectExpression';
    const source = this.evaluate((isSelected ? iterable['lhs'] : iterable) as Node, scope);
    const bound = (item: Value): Environment => {
      const turn = new Environment(scope);
      bind(turn, node['loopvar'] as Node, item);
      return turn;
    };
    const items = itemsOf(source).filter(
      (item) => !isSelected || isTrue(this.evaluate(iterable['test'] as Node, bound(item))),
    );
    let written = '';
    let isComplete = false;
    for (const [i, item] of items.entries()) {
      this.#budget.spend(12);
      const turn = bound(item);
      const loop = turn.set('loop', {
        index: i + 1,
        index0: i,
        revindex: items.length - i,
        revindex0: items.length - i - 1,
        first: i === 0,
        last: i === items.length - 1,
        length: items.length,
        depth: 1,
        depth0: 0,
      });
      const neighbours = loop.value as Map<string, Value>;
      for (const [name, at] of [
        ['previtem', i - 1],
        ['nextitem', i + 1],
      ] as const) {
        const neighbour = items[at];
        if (neighbour !== undefined) neighbours.set(name, neighbour);
      }
      const { text, exit } = this.#block(node['body'], turn);
      written += text;
      this.#budget.write(written.length);
      isComplete ||= exit === undefined;
      if (exit === 'Break') break;
    }
    // Jinja's `else` is for loops of which no turn came to its end.
    if (isComplete) return written;
    const block = { type: 'Block', body: node['defaultBlock'] } as unknown as Node;
    return written + this.#whole(block, scope);
  }

  #operation(node: Node, scope: Environment): Value {
    const { value: operator } = node['operator'] as { value: string };
    const isIn = operator === 'in' || operator === 'not in';
    if (!isIn && !['+', '~', '==', '!=', '<', '>', '<=', '>='].includes(operator)) {
      return super.evaluate(node, scope);
    }
    const left = this.evaluate(node['left'] as Node, scope);
    const right = this.evaluate(node['right'] as Node, scope);
    if (operator === '~') return this.#text(this.#printed(left) + this.#printed(right), scope);
    // Texts are joined without a look at them.
    const worked = [left, right].filter(({ type }) => operator !== '+' || type !== 'StringValue');
    for (const one of worked) this.#budget.work(one, 1, operator === '==' || operator === '!=');
    if (operator === '==') return this.#truth(isEqual(left, right), scope);
    if (operator === '!=') return this.#truth(!isEqual(left, right), scope);
    const texts = [left, right].filter(({ type }) => type === 'StringValue').length;
    const other = [left, right].find(({ type }) => type !== 'StringValue');
    if (operator !== '+' && !isIn && texts === 2) {
      const order = compared(textOf(left), textOf(right));
      const isMet = operator.endsWith('=') && order === 0;
      return this.#truth(isMet || (operator.startsWith('<') ? order < 0 : order > 0), scope);
    }
    if (operator === '+' && texts === 1 && other !== undefined && other.type !== 'UndefinedValue') {
      throw new TypeError(`can only join text to text (not "${typeName(other)}" to "str")`);
    }
    return super.evaluate(changed(node, { left: known(left), right: known(right) }), scope);
  }

  /** A method of a text, as Python has it. */
  #call(node: Node, scope: Environment): Value {
    const callee = node['callee'] as Node;
    const { value: name } = (callee['property'] ?? {}) as { value?: unknown };
    if (callee.type !== 'MemberExpression' || callee['computed'] === true) {
      return super.evaluate(node, scope);
    }
    const object = this.evaluate(callee['object'] as Node, scope);
    const args = this.#arguments(node['args'] as Node[], scope);
    this.#budget.call(String(name), object, args.values);
    const method = object.type === 'StringValue' ? methods[String(name)] : undefined;
    if (method === undefined || !Object.hasOwn(methods, String(name))) {
      const given = changed(callee, { object: known(object) });
      return super.evaluate(changed(node, { callee: given, args: args.nodes }), scope);
    }
    return this.#text(method(textOf(object), args.values.map(plain)), scope);
  }

  #filter(node: Node, scope: Environment): Value {
    const filter = node['filter'] as Node;
    const operand = this.evaluate(node['operand'] as Node, scope);
    if (filter.type === 'CallExpression') {
      const args = this.#arguments(filter['args'] as Node[], scope);
      this.#budget.call(String((filter['callee'] as Node)['value']), operand, args.values);
      const given = changed(filter, { args: args.nodes });
      return super.evaluate(changed(node, { operand: known(operand), filter: given }), scope);
    }
    const { value: name } = filter;
    this.#budget.call(String(name), operand, []);
    if (name === 'string') return this.#text(this.#printed(operand), scope);
    if (name === 'trim') {
      return this.#text(stripped(this.#printed(operand), undefined, 'both'), scope);
    }
    if (name !== 'length' || operand.type !== 'StringValue') {
      return super.evaluate(changed(node, { operand: known(operand) }), scope);
    }
    const value = Array.from(textOf(operand)).length;
    return super.evaluate({ type: 'IntegerLiteral', value } as Node, scope);
  }

  /** The values of arguments, and nodes that have them. */
  #arguments(args: readonly Node[], scope: Environment): { nodes: Node[]; values: Value[] } {
    const values: Value[] = [];
    const nodes = args.map((argument) => {
      const part = { KeywordArgumentExpression: 'value', SpreadExpression: 'argument' }[
        argument.type
      ];
      const isMapping = argument.type === 'KeywordSpreadExpression';
      const inner = part ?? (isMapping ? 'argument' : undefined);
      const value = this.evaluate(
        (inner === undefined ? argument : argument[inner]) as Node,
        scope,
      );
      values.push(value);
      return inner === undefined ? known(value) : changed(argument, { [inner]: known(value) });
    });
    return { nodes, values };
  }

  #printed(value: Value): string {
    this.#budget.work(value, 1, true);
    return printed(value);
  }

  /** A text has as many places as characters. */
  #member(node: Node, scope: Environment): Value {
    const object = this.evaluate(node['object'] as Node, scope);
    const property = node['property'] as Node;
    const isSlice = property.type === 'SliceExpression';
    const isPlace = node['computed'] === true && !isSlice;
    const at = isPlace ? this.evaluate(property, scope) : undefined;
    const given = changed(node, { object: known(object), ...(at && { property: known(at) }) });
    if (isSlice) this.#budget.work(object);
    if (object.type !== 'StringValue' || at?.type !== 'IntegerValue') {
      return super.evaluate(given, scope);
    }
    this.#budget.work(object);
    const character = Array.from(textOf(object)).at(Number(at.value));
    return character === undefined ? super.evaluate(given, scope) : this.#text(character, scope);
  }

  #truth(value: boolean, scope: Environment): Value {
    return super.evaluate({ type: 'Identifier', value: value ? 'true' : 'false' } as Node, scope);
  }

  #text(value: string, scope: Environment): Value {
    return super.evaluate({ type: 'StringLiteral', value } as Node, scope);
  }
}
