// What stands for a model: it says of itself what that one does.

import type { JsonObject } from '../source/json.ts';
import type { Model } from './model.ts';

export abstract class ModelProxy {
  /** The model that it stands for. */
  protected abstract readonly inner: Model;

  get config(): JsonObject {
    return this.inner.config;
  }

  get generationConfig(): JsonObject {
    return this.inner.generationConfig;
  }

  get warnings(): readonly string[] {
    return this.inner.warnings;
  }

  get maxPositions(): number {
    return this.inner.maxPositions;
  }

  abstract dispose(): void;

  [Symbol.dispose](): void {
    this.dispose();
  }
}
