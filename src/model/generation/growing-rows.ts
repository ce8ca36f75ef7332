// Tensors that begin small and become larger together.

import { bytesOf } from '../../runtime/dtype.ts';
import { Scope } from '../../runtime/scope.ts';
import type { Tensor } from '../../runtime/tensor.ts';

/** Has lists go on with larger tensors in place of some: see `Plan.move`. None may be under way. */
export type Move = (tensors: readonly (readonly [from: Tensor, to: Tensor])[]) => void;

/** Tensors of as many rows each; those that have grown begin with what they were. */
export class GrowingRows {
  readonly #owner: Scope;
  readonly #make: (scope: Scope, rows: number) => Tensor[];
  #tensors: readonly Tensor[];
  /** Owns the tensors. */
  #scope: Scope;
  #rows: number;

  /** Ends with `owner`. */
  constructor(owner: Scope, rows: number, make: (scope: Scope, rows: number) => Tensor[]) {
    this.#owner = owner;
    this.#make = make;
    this.#rows = rows;
    this.#scope = new Scope(owner);
    this.#tensors = make(this.#scope, rows);
  }

  get tensors(): readonly Tensor[] {
    return this.#tensors;
  }

  get rows(): number {
    return this.#rows;
  }

  /** Makes room for so many rows, or twice those that there are, up to `most`. Errors: as those of `grow`. */
  async reserve(rows: number, most: number, move: Move): Promise<void> {
    if (rows > this.#rows) await this.grow(Math.min(most, Math.max(rows, 2 * this.#rows)), move);
  }

  /** Makes room for so many rows. Errors: OUT_OF_MEMORY, LIMIT_EXCEEDED; all is as it was then. */
  async grow(rows: number, move: Move): Promise<void> {
    const scope = new Scope(this.#owner);
    try {
      const tensors = this.#make(scope, rows);
      const grown = tensors.map((to, index) => [this.#tensors[index] ?? to, to] as const);
      await scope.ready();
      copyRows(scope, grown, this.#rows);
      move(grown);
      this.#scope.dispose();
      this.#scope = scope;
      this.#rows = rows;
      this.#tensors = tensors;
    } catch (error) {
      scope.dispose();
      throw error;
    }
  }

  /** Takes over the first rows of others of the same widths. */
  copy(from: GrowingRows, rows: number): void {
    const pairs = this.#tensors.map((to, index) => [from.#tensors[index] ?? to, to] as const);
    copyRows(this.#scope, pairs, rows);
  }
}

/** Copies the first rows of tensors to others. */
function copyRows(
  scope: Scope,
  tensors: readonly (readonly [from: Tensor, to: Tensor])[],
  rows: number,
): void {
  scope.assertUsable();
  const { device } = scope.gpu;
  const encoder = device.createCommandEncoder({ label: 'cache' });
  for (const [from, to] of tensors) {
    if (from === to || from.buffer === undefined || to.buffer === undefined) continue;
    const bytes = Math.min(from.byteLength, bytesOf(from.dtype, rows * from.size(1)));
    encoder.copyBufferToBuffer(from.buffer, from.offset, to.buffer, to.offset, bytes);
  }
  device.queue.submit([encoder.finish()]);
}
