// Named points of a recorded list: where its tensors can be seen, or others put in their place. A point
// that nobody asks for costs nothing, and nothing is computed for it.

import type { Tensor } from './tensor.ts';

/** Columns that are heads side by side, one after the other: those of a point that is part of a tensor's rows. */
export interface HeadColumns {
  /** Where they begin. */
  readonly first: number;
  readonly heads: number;
  readonly headSize: number;
}

/** What happens at the named points of a recording. */
export interface Points {
  /** Whether anybody asks for the point of this path, `layers.3.attention.output` say. */
  has(path: string): boolean;
  /**
   * Gets the tensor at a point that was asked for; what it returns goes on in its place. `heads`: which of its columns
   * the point is, all of them and no heads when absent.
   */
  visit(path: string, tensor: Tensor, heads?: HeadColumns): Tensor;
}

/** Finds the tensors at points, and leaves them as they are. */
export class Probe implements Points {
  readonly #wanted: ReadonlySet<string>;
  readonly #found = new Map<string, Tensor>();

  constructor(paths: Iterable<string>) {
    this.#wanted = new Set(paths);
  }

  has(path: string): boolean {
    return this.#wanted.has(path);
  }

  visit(path: string, tensor: Tensor): Tensor {
    this.#found.set(path, tensor);
    return tensor;
  }

  /** The tensors at these points, in this order, once the list is recorded. */
  tensors(paths: readonly string[]): Tensor[] {
    return paths.map((path) => {
      const tensor = this.#found.get(path);
      if (tensor === undefined) throw new RangeError(`nothing was recorded at ${path}`);
      return tensor;
    });
  }
}
