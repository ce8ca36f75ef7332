// SpecAugment (Park et al., 2019, arXiv 1904.08779): in training spans of time and of features are masked at random, as
// the fields of config.json say.

import type { Tensor } from '../../runtime/tensor.ts';
import { maskSpans, type SpanOptions, type Spans } from '../../shaders/elementwise/spans.ts';
import type { Config } from '../config.ts';

export interface Augmentation {
  readonly time: Spans;
  readonly feature: Spans;
}

/** What a config asks for; undefined where it asks for nothing. `usual`: whether it does by default. */
export function augmentation(config: Config, usual: boolean): Augmentation | undefined {
  const spans = (of: 'time' | 'feature', rate: number, least: number): Spans => ({
    rate: config.rate(`mask_${of}_prob`, rate),
    length: config.integer(`mask_${of}_length`, 10),
    least: config.integer(`mask_${of}_min_masks`, least, 0),
  });
  const [time, feature] = [spans('time', 0.05, 2), spans('feature', 0, 0)];
  return config.boolean('apply_spec_augment', usual) ? { time, feature } : undefined;
}

interface AugmentOptions extends Pick<SpanOptions, 'mask' | 'fill'> {
  /** Whether rows are times, or columns. */
  readonly time: SpanOptions['along'];
}

/** x (B, rows, columns), masked in recordings with random numbers. */
export function augment(
  x: Tensor,
  given: Augmentation | undefined,
  { time, ...options }: AugmentOptions,
): Tensor {
  if (given === undefined) return x;
  const timed = maskSpans(x, given.time, { along: time, ...options });
  return maskSpans(timed, given.feature, { along: time === 'rows' ? 'columns' : 'rows' });
}
