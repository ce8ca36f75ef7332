// The last hidden states of texts, token by token or pooled; of models that compare texts with images, the vectors
// that they compare.

import type { DenseTensor } from '../../model/inputs/inputs.ts';
import { eachText, forwardRows } from '../batches.ts';
import type { Pooling } from '../../model/sentence-modules.ts';
import { normalized, normalizedRows, pool, stack } from '../pooling.ts';
import { checkOptions, checkText, encodeText, listOf, oneOrMany, type TaskParts } from '../task.ts';

/** Which vectors texts become. */
export interface FeatureExtractionOptions {
  /** One vector a text: the mean, the first (`cls`) or the last token's; `none` when absent. */
  pooling?: 'none' | 'mean' | 'cls' | 'last';
  /** Brings every vector to length 1. */
  normalize?: boolean;
  /** Cuts texts that are too long for the model, which are refused otherwise. */
  truncation?: boolean;
  /** Cancels the call, which then rejects with `ABORTED`. */
  signal?: AbortSignal;
}

type Pooled = FeatureExtractionOptions & { pooling: 'mean' | 'cls' | 'last' };

/**
 * Pooled: (N, d), one row a text. Not pooled: (1, T, d) with the tokens of the text, special ones
 * included, or (1, d) of models that compare texts with images; an array of texts gives one such tensor each.
 */
export interface FeatureExtraction {
  (text: string | readonly string[], options: Pooled): Promise<DenseTensor>;
  (text: string, options?: FeatureExtractionOptions): Promise<DenseTensor>;
  (texts: readonly string[], options?: FeatureExtractionOptions): Promise<DenseTensor[]>;
}

const task = 'feature-extraction';

export function featureExtraction(parts: TaskParts): FeatureExtraction {
  const extract = async (
    input: string | readonly string[],
    options: FeatureExtractionOptions = {},
  ): Promise<DenseTensor | DenseTensor[]> => {
    checkOptions(task, options, {
      pooling: ['none', 'mean', 'cls', 'last'],
      normalize: 'boolean',
      truncation: 'boolean',
      signal: 'signal',
    });
    const { pooling = 'none', normalize = false, truncation = false, signal } = options;
    const encode = (texts: readonly string[]): Promise<{ ids: number[] }[]> =>
      eachText(texts, signal, (text) => {
        const checked = checkText('The text', text);
        return encodeText(parts, checked, undefined, truncation ? 'longest' : undefined);
      });
    if (pooling !== 'none') {
      return embed(parts, await encode(listOf(input)), { task, pooling, normalize, signal });
    }
    const width = Number(parts.model.config['hidden_size'] ?? 1);
    return oneOrMany(input, async (texts) =>
      forwardRows(parts, await encode(texts), { task, width, signal }, (read, { ids }) => {
        const { data, shape } = read('textEmbeds', 'lastHiddenState');
        const size = shape.at(-1) ?? 1;
        const rows = shape.length === 1 ? [] : [ids.length];
        const own = data.slice(0, (rows[0] ?? 1) * size);
        return {
          data: normalize ? normalizedRows(own, size) : own,
          shape: [1, ...rows, size],
        };
      }),
    );
  };
  return extract as FeatureExtraction;
}

export interface EmbedSettings {
  readonly task: string;
  /** Several kinds stand side by side in one vector. */
  readonly pooling: Pooling | readonly Pooling[];
  /** Tokens at the start that are not pooled. */
  readonly skipped?: number;
  /** What becomes of a pooled vector. */
  readonly finish?: ((vector: Float32Array) => Float32Array) | undefined;
  readonly normalize: boolean;
  readonly signal: AbortSignal | undefined;
}

/** One vector a row: (N, d). */
export async function embed(
  parts: TaskParts,
  rows: readonly { ids: readonly number[]; typeIds?: readonly number[] }[],
  { task: name, pooling, skipped = 0, finish, normalize, signal }: EmbedSettings,
): Promise<DenseTensor> {
  const width = Number(parts.model.config['hidden_size'] ?? 1);
  const vectors = await forwardRows(parts, rows, { task: name, width, signal }, (read, { ids }) => {
    const states = read('lastHiddenState');
    const parted = [pooling].flat().map((kind) => pool(states, ids.length, kind, skipped));
    const [first = new Float32Array(0)] = parted;
    const pooled = parted.length === 1 ? first : Float32Array.from(parted.flatMap((x) => [...x]));
    const vector = finish?.(pooled) ?? pooled;
    return normalize ? normalized(vector) : vector;
  });
  return stack(vectors);
}
