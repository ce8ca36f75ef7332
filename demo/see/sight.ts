// What a model makes of a picture.

import type { DenseTensor, Model } from 'webgpu-transformer';
import type { Seen } from './patch-map.ts';
import type { Score } from './scores-view.ts';

export interface Sight {
  /** In the order in which they are shown. */
  readonly scores: readonly Score[];
  /** Of each layer, (1, heads, tokens, tokens); the patches are the last tokens. */
  readonly attentions: readonly DenseTensor[];
  /** Absent where no token tells where the model looks. */
  readonly seen: Seen | undefined;
  /** In milliseconds. */
  readonly time: number;
  /** How long the model took to load, if it was loaded for this picture. */
  readonly loadTime?: number | undefined;
  readonly model: Model;
}
