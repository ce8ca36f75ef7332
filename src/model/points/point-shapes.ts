// The shapes of points: how much of what a list computes there belongs to a batch.

import type { HeadColumns } from '../../runtime/points.ts';
import type { Tensor } from '../../runtime/tensor.ts';

/** Sequences and tokens that a stack computes with. */
export interface StackSizes<Size = number> {
  readonly batch: Size;
  readonly length: Size;
}

/** The stacks of a model of several: the first part of the names of their points. */
export type StackName = 'encoder' | 'decoder' | 'text' | 'vision';

/** The sizes of a stack; of the one that gives the logits, or of the only one, when it has no name. */
export type SizesOf<Size = number> = (stack: StackName | undefined) => StackSizes<Size>;

const stackNames: readonly StackName[] = ['encoder', 'decoder', 'text', 'vision'];

/** The points of an attention that have a row of keys for each query of each head. */
const byKey = /\.(?:weights|scores)$/;
/** What a decoder has of its encoder's tokens. */
const ofMemory = /\.crossAttention\.(?:key|value)$/;

/** Whether a point has tokens of a source, also where it is a decoder's. */
export function isOfSource(name: string): boolean {
  return stackOf(name) === 'encoder' || ofMemory.test(name);
}

/** Whether it has a row of keys for each query of each head. */
export function isByKey(name: string): boolean {
  return byKey.test(name);
}

/** A tensor as a list has it at a point. */
export interface Visited {
  readonly tensor: Pick<Tensor, 'shape'>;
  readonly heads: HeadColumns | undefined;
}

/** The stack that a point belongs to, where the model has several. */
export function stackOf(name: string): StackName | undefined {
  const [first] = name.split('.');
  return stackNames.find((one) => one === first);
}

/** Its shape: with heads, these are an axis of their own. */
export function paddedShape({ tensor, heads }: Visited): readonly number[] {
  const { shape } = tensor;
  return heads === undefined ? shape : [...shape.slice(0, -1), heads.heads, heads.headSize];
}

/** The same with the sizes of a batch in place of those of the list, `padded`. */
export function shapeAt<Size>(
  name: string,
  visited: Visited,
  padded: SizesOf,
  sizes: SizesOf<Size>,
): readonly (number | Size)[] {
  const stack = stackOf(name);
  const isCross = name.includes('.crossAttention.');
  const rows = ofMemory.test(name) ? 'encoder' : stack;
  const columns = isCross && stack === 'decoder' ? 'encoder' : stack;
  const shape: (number | Size)[] = [...paddedShape(visited)];
  const set = (axis: number, of: StackName | undefined): void => {
    if (shape[axis] === padded(of).length) shape[axis] = sizes(of).length;
  };
  if (shape[0] === padded(rows).batch) shape[0] = sizes(rows).batch;
  if (byKey.test(name)) {
    set(2, rows);
    set(3, columns);
  } else if (shape.length > 2) set(1, rows);
  return shape;
}
