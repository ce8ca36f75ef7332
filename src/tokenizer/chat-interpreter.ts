// Chat templates are written for Python. Where the engine's way with them differs in what it writes,
// statements and operations are evaluated here: loops keep what they wrote before a `break` or a
// `continue` and forget their variables, values are printed as Python prints them, and text is only
// ever joined to text.

import { Environment, Interpreter, parse, tokenize } from '@huggingface/jinja';
import {
  compared,
  formatDate,
  isEqual,
  methods,
  plain,
  printed,
  stripped,
  textOf,
  typeName,
} from './chat-python.ts';

type Value = ReturnType<Environment['lookupVariable']>;
type Program = ReturnType<typeof parse>;
type Node = Program['body'][number] & {
  readonly [name: string]: unknown;
};

/** What a block wrote, and whether it left its loop's turn or the loop. */
interface Written {
  readonly text: string;
  readonly exit?: 'Break' | 'Continue';
}

/** Statements with a value that is not written. */
const silent = new Set(['Set', 'Macro', 'Comment']);

/** The text of a template with these variables. Throws what the template or its values cause. */
export function renderTemplate(
  template: string,
  variables: Readonly<Record<string, unknown>>,
): string {
  // As Jinja reads them: ends of lines are one character, the last one does not count.
  const source = template.replaceAll(/\r\n?/g, '\n');
  const program = parse(tokenize(source, { lstrip_blocks: true, trim_blocks: true }));
  const scope = new Environment();
  for (const [name, value] of Object.entries({ ...globals, ...variables })) scope.set(name, value);
  return textOf(new PythonInterpreter(scope).run(program));
}

const globals = {
  true: true,
  True: true,
  false: false,
  False: false,
  none: null,
  None: null,
  raise_exception: (reason: unknown): never => {
    throw new Error(String(reason));
  },
  strftime_now: (format: unknown): string => formatDate(new Date(), String(format)),
  range: (first: number, second?: number, step = 1): number[] => {
    const [start, stop] = second === undefined ? [0, first] : [first, second];
    return Array.from(
      { length: Math.max(0, Math.ceil((stop - start) / step)) },
      (_, i) => start + i * step,
    );
  },
};

class PythonInterpreter extends Interpreter {
  override evaluate(statement: Program['body'][number] | undefined, scope: Environment): Value {
    if (statement === undefined) return super.evaluate(statement, scope);
    const node = statement as Node;
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
      case 'FilterStatement':
      case 'Set':
        return super.evaluate(blockOf(node), scope);
      case 'BinaryExpression':
        return this.#operation(node, scope);
      case 'CallExpression':
        return this.#call(node, scope);
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
        return { text: silent.has(node.type) ? '' : printed(value) };
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
    if (!['+', '~', '==', '!=', '<', '>', '<=', '>='].includes(operator)) {
      return super.evaluate(node, scope);
    }
    const left = this.evaluate(node['left'] as Node, scope);
    const right = this.evaluate(node['right'] as Node, scope);
    if (operator === '~') return this.#text(printed(left) + printed(right), scope);
    if (operator === '==') return this.#truth(isEqual(left, right), scope);
    if (operator === '!=') return this.#truth(!isEqual(left, right), scope);
    const texts = [left, right].filter(({ type }) => type === 'StringValue').length;
    const other = [left, right].find(({ type }) => type !== 'StringValue');
    if (operator !== '+' && texts === 2) {
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
    const method = object.type === 'StringValue' ? methods[String(name)] : undefined;
    if (method === undefined || !Object.hasOwn(methods, String(name))) {
      const given = changed(callee, { object: known(object) });
      return super.evaluate(changed(node, { callee: given }), scope);
    }
    const args = (node['args'] as Node[]).map((argument) => this.evaluate(argument, scope));
    return this.#text(method(textOf(object), args.map(plain)), scope);
  }

  #filter(node: Node, scope: Environment): Value {
    const { type, value: name } = node['filter'] as Node;
    if (type !== 'Identifier' || !['trim', 'string', 'length'].includes(String(name))) {
      return super.evaluate(node, scope);
    }
    const operand = this.evaluate(node['operand'] as Node, scope);
    if (name === 'string') return this.#text(printed(operand), scope);
    if (name === 'trim') return this.#text(stripped(printed(operand), undefined, 'both'), scope);
    if (operand.type !== 'StringValue') {
      return super.evaluate(changed(node, { operand: known(operand) }), scope);
    }
    const value = Array.from(textOf(operand)).length;
    return super.evaluate({ type: 'IntegerLiteral', value } as Node, scope);
  }

  /** A text has as many places as characters. */
  #member(node: Node, scope: Environment): Value {
    const object = this.evaluate(node['object'] as Node, scope);
    const property = node['property'] as Node;
    const isPlace = node['computed'] === true && property.type !== 'SliceExpression';
    const at = isPlace ? this.evaluate(property, scope) : undefined;
    const given = changed(node, { object: known(object), ...(at && { property: known(at) }) });
    if (object.type !== 'StringValue' || at?.type !== 'IntegerValue') {
      return super.evaluate(given, scope);
    }
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

/** A statement whose body is evaluated as a block of this interpreter. */
function blockOf(node: Node): Node {
  const body = node['body'] as Node[] | undefined;
  if (body === undefined || body.length === 0) return node;
  return changed(node, { body: [{ type: 'Block', body }] });
}

/** A copy of a node with some of its parts exchanged. */
function changed(node: Node, parts: object): Node {
  return Object.assign(Object.create(null) as object, node, parts);
}

function known(value: Value): Node {
  return { type: 'Known', value };
}

function isTrue(value: Value): boolean {
  // oxlint-disable-next-line no-underscore-dangle -- the engine's name
  return value.__bool__().value;
}

function itemsOf(value: Value): readonly Value[] {
  if (value.type === 'UndefinedValue') return [];
  if ('keys' in value) return value.keys().value;
  if (Array.isArray(value.value)) return value.value;
  throw new TypeError(`a loop over a value of type "${typeName(value)}"`);
}

function bind(scope: Environment, target: Node, item: Value): void {
  if (target.type === 'Identifier') {
    scope.setVariable(String(target['value']), item);
    return;
  }
  const names = target['value'] as Node[];
  const parts = itemsOf(item);
  if (parts.length !== names.length) {
    throw new TypeError(`a loop takes ${names.length} values apart, and got ${parts.length}`);
  }
  names.forEach((name, i) => bind(scope, name, parts[i] as Value));
}
