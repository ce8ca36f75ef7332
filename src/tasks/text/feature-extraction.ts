// The last hidden states of texts, token by token or pooled; of models that compare texts with images, the vectors
// that they compare.

import type { DenseTensor } from '../../model/inputs/inputs.ts';
import { eachText, forwardRows } from '../batches.ts';
import { type Halved, type Halves, halves } from '../halves.ts';
import type { Pooling } from '../../model/sentence-modules.ts';
import { normalized, normalizedRows, pool, stack } from '../pooling.ts';
import {
  checkOptions,
  checkText,
  encodeText,
  listOf,
  mostTokens,
  oneOrMany,
  type TaskParts,
} from '../task.ts';
import type { Encoding } from '../../tokenizer/template.ts';

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

export function featureExtraction(
  parts: TaskParts,
): FeatureExtraction & Halved<Pooled, string, Encoding, Float32Array> {
  const check = (options: FeatureExtractionOptions): void =>
    checkOptions(task, options, {
      pooling: ['none', 'mean', 'cls', 'last'],
      normalize: 'boolean',
      truncation: 'boolean',
      signal: 'signal',
    });
  const encodeOne = (text: string, truncation: boolean): Encoding => {
    const checked = checkText('The text', text);
    return encodeText(parts, checked, undefined, truncation ? 'longest' : undefined);
  };
  const pooled = (options: Pooled): Halves<string, Encoding, Float32Array> => {
    check(options);
    const { pooling, normalize = false, truncation = false, signal } = options;
    return {
      limit: mostTokens(parts),
      encode: (text) => encodeOne(text, truncation),
      run: (rows) => vectors(parts, rows, { task, pooling, normalize, signal }),
    };
  };
  const extract = async (
    input: string | readonly string[],
    options: FeatureExtractionOptions = {},
  ): Promise<DenseTensor | DenseTensor[]> => {
    check(options);
    const { pooling = 'none', normalize = false, truncation = false, signal } = options;
    const encode = (texts: readonly string[]): Promise<Encoding[]> =>
      eachText(texts, signal, (text) => encodeOne(text, truncation));
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
  return Object.assign(extract as FeatureExtraction, { [halves]: pooled });
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
export async function embed(...from: Parameters<typeof vectors>): Promise<DenseTensor> {
  return stack(await vectors(...from));
}

/** One vector a row, (d) each. */
export function vectors(
  parts: TaskParts,
  rows: readonly { ids: readonly number[]; typeIds?: readonly number[] }[],
  { task: name, pooling, skipped = 0, finish, normalize, signal }: EmbedSettings,
): Promise<Float32Array[]> {
  const width = Number(parts.model.config['hidden_size'] ?? 1);
  return forwardRows(parts, rows, { task: name, width, signal }, (read, { ids }) => {
    const states = read('lastHiddenState');
    const parted = [pooling].flat().map((kind) => pool(states, ids.length, kind, skipped));
    const [first = new Float32Array(0)] = parted;
    const pooled = parted.length === 1 ? first : Float32Array.from(parted.flatMap((x) => [...x]));
    const vector = finish?.(pooled) ?? pooled;
    return normalize ? normalized(vector) : vector;
  });
}
