// The points of one list that somebody reads or edits. Which they are is fixed with the list; all numbers are in buffers.

import { TransformerError } from '../../runtime/errors.ts';
import type { HeadColumns, Points } from '../../runtime/points.ts';
import type { Plan } from '../../runtime/plan.ts';
import type { Recording } from '../../runtime/record.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { dropUnread } from '../../runtime/unread.ts';
import { edit } from '../../shaders/elementwise/edit.ts';
import { takeColumns } from '../../shaders/elementwise/take-columns.ts';
import type { CheckedEdit, Look } from './look.ts';
import { paddedShape, shapeAt, type SizesOf, type Visited } from './point-shapes.ts';

/** Sequences, positions and heads that a rule has. */
type RuleSizes = readonly [sequences: number, positions: number, heads: number];

/** An edit in the list: where its numbers go before a play. */
interface Recorded {
  /** Of the edits of the call, which. */
  readonly index: number;
  readonly value: Tensor;
  /** The shape of the whole activation. */
  readonly shape: readonly number[];
  /** How the value changes the activation; it stands in its place altogether when absent. */
  readonly rule?: { readonly tensor: Tensor; readonly sizes: RuleSizes };
}

/** What was found at a point that is read. */
interface Captured extends Visited {
  readonly tensor: Tensor;
}

/** A point that is read. */
interface Reading {
  readonly name: string;
  readonly tensor: Tensor;
  /** Its shape in the list, and in a batch. */
  readonly padded: readonly number[];
  readonly shapeFor: (sizesOf: SizesOf) => readonly number[];
}

export class Tapped implements Points {
  readonly #captured = new Map<string, Captured>();
  readonly #base: Points;
  readonly #reads: ReadonlySet<string>;
  readonly #edits: readonly CheckedEdit[];
  readonly #names: ReadonlySet<string>;
  readonly #recorded: Recorded[] = [];

  constructor({ captures, edits }: Look, base: Points) {
    this.#base = base;
    this.#edits = edits;
    this.#reads = new Set(captures.map(({ name }) => name));
    this.#names = new Set([...this.#reads, ...edits.map(({ name }) => name)]);
  }

  has(path: string): boolean {
    return this.#names.has(path) || this.#base.has(path);
  }

  visit(path: string, tensor: Tensor, heads?: HeadColumns): Tensor {
    let now = tensor;
    this.#edits.forEach((one, index) => {
      if (one.name === path) now = this.#edited(now, heads, index);
    });
    if (this.#reads.has(path)) {
      const width = heads ? heads.heads * heads.headSize : now.size(-1);
      const isPart = heads !== undefined && width < now.size(-1);
      const own = isPart ? takeColumns(now, heads.first, width, path) : now;
      this.#captured.set(path, { tensor: own, heads });
    }
    return this.#base.has(path) ? this.#base.visit(path, now, heads) : now;
  }

  /**
   * What is read, once the list is recorded for `padded` sizes.
   * @throws TransformerError OPTION_INVALID where the list has not come by a point
   */
  readings(padded: SizesOf): Reading[] {
    for (const name of this.#names) {
      const isFound =
        this.#captured.has(name) ||
        this.#recorded.some(({ index }) => this.#edits[index]?.name === name);
      if (isFound) continue;
      throw new TransformerError(
        'OPTION_INVALID',
        `These inputs do not come by the point ${name}. Pass those that it is computed from, or leave it out.`,
      );
    }
    return Array.from(this.#captured, ([name, visited]) => ({
      name,
      tensor: visited.tensor,
      padded: paddedShape(visited),
      shapeFor: (sizesOf) => shapeAt(name, visited, padded, sizesOf),
    }));
  }

  /** Takes out of the list what only activations went into in whose place others stand. */
  dropUnread(recording: Recording, outputs: readonly Tensor[]): void {
    const isReplaced = this.#recorded.some(({ rule }) => rule === undefined);
    if (isReplaced) dropUnread(recording, outputs);
  }

  /** Writes what a call puts in place, before a play. The call asks for the points of this list. */
  write(plan: Plan, { edits }: Look): void {
    for (const { index, value, shape, rule } of this.#recorded) {
      const one = edits[index];
      if (one === undefined) throw new RangeError('an edit of another list');
      if (rule !== undefined) plan.write(rule.tensor, ruleOf(one, rule.sizes));
      plan.write(value, laidOut(one.value, shape));
    }
  }

  #edited(tensor: Tensor, heads: HeadColumns | undefined, index: number): Tensor {
    const { recording } = tensor;
    const own = this.#edits[index];
    if (own?.isWhole === true && heads === undefined && tensor.parts === undefined) {
      const value = recording.persistent('value', tensor.shape);
      this.#recorded.push({ index, value, shape: value.shape });
      return value;
    }
    const { each } = own?.value ?? { each: false };
    const shape = paddedShape({ tensor, heads });
    const isHeadsFirst = tensor.shape.length === 4;
    const [sequences = 1, second = 1, third = 1] = shape;
    const [positions, count] = isHeadsFirst
      ? [third, second]
      : [shape.length > 2 ? second : 1, heads?.heads ?? 1];
    const rule = recording.persistent('rule', [2 + sequences + positions + count]);
    const value = recording.persistent('value', each ? shape : shape.slice(-1));
    const sizes = [sequences, positions, count] as const;
    this.#recorded.push({ index, value, shape, rule: { tensor: rule, sizes } });
    return edit(tensor, heads, { value, each, rule, sequences, positions });
  }
}

/** What is kept, the factor of the value, and where it acts. `rowOf`: which sequence of the call each one goes by. */
export function ruleOf(
  { keep, factor, sequences, positions, heads }: CheckedEdit,
  [batch, length, count]: RuleSizes,
  rowOf: (row: number) => number = (row) => row,
): Float32Array<ArrayBuffer> {
  const flags = (chosen: readonly number[] | undefined, size: number): number[] => {
    const all = Array<number>(size).fill(chosen === undefined ? 1 : 0);
    for (const index of chosen ?? []) if (index < size) all[index] = 1;
    return all;
  };
  const rows = Array.from({ length: batch }, (_, row) =>
    sequences === undefined || sequences.includes(rowOf(row)) ? 1 : 0,
  );
  return Float32Array.from([
    keep,
    factor,
    ...rows,
    ...flags(positions, length),
    ...flags(heads, count),
  ]);
}

/** A value as large as its buffer: zeros where the list pads, and one sequence for all of them. */
export function laidOut(
  { each, data, shape }: CheckedEdit['value'],
  padded: readonly number[],
  rowOf: (row: number) => number = (row) => row,
): Float32Array<ArrayBuffer> {
  const to = each ? padded : padded.slice(-1);
  const block = new Float32Array(elements(to));
  if (!each) {
    block.set(data);
    return block;
  }
  const [batch = 1, ...inner] = to;
  const [own = 1, ...from] = shape;
  const [stride, step] = [elements(inner), elements(from)];
  for (let sequence = 0; sequence < batch; sequence++) {
    const first = own === 1 ? 0 : rowOf(sequence) * step;
    pad(data.subarray(first, first + step), from, block, inner, sequence * stride);
  }
  return block;
}

/** Lays the leading part of each axis of a row-major block into another one, from `at` on: as much as both have. */
function pad(
  data: Float32Array,
  from: readonly number[],
  block: Float32Array,
  to: readonly number[],
  at: number,
): void {
  if (from.length <= 1) {
    block.set(data.subarray(0, to[0]), at);
    return;
  }
  const [rows = 1, ...inner] = from;
  const [step, stride] = [elements(inner), elements(to.slice(1))];
  for (let row = 0; row < Math.min(rows, to[0] ?? 1); row++) {
    pad(data.subarray(row * step, (row + 1) * step), inner, block, to.slice(1), at + row * stride);
  }
}
