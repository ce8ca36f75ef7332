// The points of a loaded model, listed with the first call that asks for one.

import { assertCurrent, type LoadedParts } from '../model.ts';
import type { Listing } from './list-points.ts';
import type { ModelPoint } from './point-options.ts';

/** What can no longer be used once it is disposed of. */
interface Usable {
  assertUsable(): void;
}

export class PointList {
  readonly #parts: LoadedParts;
  readonly #plans: Usable;
  readonly #listing: () => Promise<Listing>;
  #points: readonly ModelPoint[] | undefined;

  /** `plans`: of the model, which are disposed of with it; `listing` loads how its points are listed. */
  constructor(parts: LoadedParts, plans: Usable, listing: () => Promise<Listing>) {
    this.#parts = parts;
    this.#plans = plans;
    this.#listing = listing;
  }

  /** A list of the caller's own. Errors: DISPOSED, DEVICE_LOST. */
  async get(): Promise<ModelPoint[]> {
    this.#assertCurrent();
    if (this.#points === undefined) {
      const { listPoints } = await import('./list-points.ts');
      const listing = await this.#listing();
      this.#assertCurrent();
      this.#points = listPoints(this.#parts.scope, listing);
    }
    return [...this.#points];
  }

  #assertCurrent(): void {
    this.#plans.assertUsable();
    assertCurrent(this.#parts);
  }
}
