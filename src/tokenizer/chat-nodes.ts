// What the interpreter does to the nodes and values of the template engine.

import type { Environment, Interpreter } from '@huggingface/jinja';
import { typeName } from './chat-python.ts';

type Value = ReturnType<Environment['lookupVariable']>;
type Program = Parameters<Interpreter['run']>[0];
export type Node = Program['body'][number] & {
  readonly [name: string]: unknown;
};

/** A statement whose body is evaluated as a block of this interpreter. */
export function blockOf(node: Node): Node {
  const body = node['body'] as Node[] | undefined;
  if (body === undefined || body.length === 0) return node;
  return changed(node, { body: [{ type: 'Block', body }] });
}

/** A copy of a node with some of its parts exchanged. */
export function changed(node: Node, parts: object): Node {
  return Object.assign(Object.create(null) as object, node, parts);
}

export function known(value: Value): Node {
  return { type: 'Known', value };
}

export function isTrue(value: Value): boolean {
  // oxlint-disable-next-line no-underscore-dangle -- the engine's name
  return value.__bool__().value;
}

export function itemsOf(value: Value): readonly Value[] {
  if (value.type === 'UndefinedValue') return [];
  if ('keys' in value) return value.keys().value;
  if (Array.isArray(value.value)) return value.value;
  throw new TypeError(`a loop over a value of type "${typeName(value)}"`);
}

export function bind(scope: Environment, target: Node, item: Value): void {
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
