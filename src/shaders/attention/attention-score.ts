// What the scores of attention are made of: options, and the params and switches of the kernels.

import type { Snippet } from '../../runtime/kernel.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import scoreText from './attention-score.wgsl?raw';

/** Scores and sight, for kernels with the params of `scoreParams`. */
export const attentionScore: Snippet = { file: 'attention-score.wgsl', text: scoreText };

/** What the scores depend on besides q and k; `scoreSwitches` tells which of it counts. */
export const scoreParams = {
  group: 'u32',
  scale: 'f32',
  softcap: 'f32',
  window: 'u32',
  reach: 'u32',
} as const;
export const scoreSwitches = {
  WINDOWED: [false, true],
  SOFTCAP: [false, true],
  HAS_BIAS: [false, true],
  SLOPED: [false, true],
  HAS_SINK: [false, true],
} as const;

/** What makes the scores, and which keys are in sight. */
export interface ScoreOptions {
  readonly heads: number;
  readonly headSize: number;
  /** Heads of k and v, each shared by neighbouring heads of q; `heads` when absent. */
  readonly keyValueHeads?: number;
  /** Factor of the scores; 1/√d_k when absent. */
  readonly scale?: number;
  /** Scores s become softcap · tanh(s / softcap); as they are when absent. */
  readonly softcap?: number | undefined;
  /**
   * How many keys before its own place a query sees, its own included, and as many behind it where it may see any
   * there; all when absent.
   */
  readonly window?: number | undefined;
  /** Added to the scores, by distance from key to query: (2 · reach + 1, heads). */
  readonly bias?: Tensor | undefined;
  /** Without a bias: what the scores lose for each place that a key is further back, (heads). */
  readonly slopes?: Tensor | undefined;
  /** Without either: the score of a key that has no value, (heads). */
  readonly sinks?: Tensor | undefined;
}

/** The params and switches of scores. */
export interface ScoreSettings {
  /** What is bound as the bias. */
  readonly bound: Tensor | undefined;
  readonly params: Readonly<Record<keyof typeof scoreParams, number>>;
  readonly switches: Readonly<Record<keyof typeof scoreSwitches, boolean>>;
}

export function scoreSettings(options: ScoreOptions): ScoreSettings {
  const { heads, headSize, keyValueHeads = heads } = options;
  const { scale = headSize ** -0.5, softcap, window, bias, slopes, sinks } = options;
  const params = {
    group: heads / keyValueHeads,
    scale,
    softcap: softcap ?? 1,
    window: window ?? 0,
    reach: bias === undefined ? 0 : (bias.size(0) - 1) / 2,
  };
  const switches = {
    WINDOWED: window !== undefined,
    SOFTCAP: softcap !== undefined,
    HAS_BIAS: bias !== undefined,
    SLOPED: slopes !== undefined,
    HAS_SINK: sinks !== undefined,
  };
  const [bound, ...others] = [bias, slopes, sinks].filter((one) => one !== undefined);
  if (others.length > 0) throw new RangeError('attention: a bias, slopes or sinks');
  return { bound, params, switches };
}
