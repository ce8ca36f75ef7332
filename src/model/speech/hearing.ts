// A model that hears, as generation from speech sees it, and what it says of sound without generating.

import type { Generation } from '../generation/generation.ts';
import { below } from '../inputs/dense-rows.ts';
import type { CheckedInput } from '../inputs/input-stage.ts';
import type { DenseTensor, TokenBatch } from '../inputs/inputs.ts';
import type { JsonObject } from '../../source/json.ts';
import type { SpeechTokens } from './speech-options.ts';
import { tokenTimes } from './token-times.ts';

/** Targets beside encoded windows. */
export interface Beside {
  /** (rows, steps, d_model) */
  readonly states: DenseTensor;
  readonly decoderInputIds: TokenBatch['rows'];
  readonly signal: AbortSignal | undefined;
}

export interface Hearing {
  /** Of the features of a window. */
  readonly bins: number;
  readonly frames: number;
  readonly tokens: SpeechTokens;
  /** The settings of generation in the files. */
  readonly file: JsonObject;
  readonly vocabulary: number;
  /** Of the target. */
  readonly maxPositions: number;
  /** Steps that attention is smoothed over, see `tokenTimes`. */
  readonly medianWidth: number;
  /** Windows, (rows, bins, frames), as the encoder gives them: (rows, steps, d_model). */
  encode(inputFeatures: DenseTensor, signal: AbortSignal | undefined): Promise<DenseTensor>;
  /** Encoded windows as the source of generation. */
  sourceOf(states: DenseTensor): CheckedInput;
  /** (rows, tokens, V) */
  logits(beside: Beside): Promise<DenseTensor>;
  /** Of each layer: (rows, h, tokens, steps) */
  crossAttentions(beside: Beside): Promise<readonly DenseTensor[]>;
  readonly generation: Pick<Generation, 'transcribe'>;
}

/** A window of an input, in frames; zeros follow `end`. */
export interface Window {
  readonly row: number;
  readonly first: number;
  readonly end: number;
}

/** The windows of some inputs, each of which is encoded once while it is the last one of its input. */
export class EncodedWindows {
  readonly #hearing: Hearing;
  readonly #features: DenseTensor;
  readonly #signal: AbortSignal | undefined;
  readonly #known = new Map<number, { readonly place: string; readonly states: DenseTensor }>();

  /** features: (B, bins, frames), of any number of frames */
  constructor(hearing: Hearing, features: DenseTensor, signal: AbortSignal | undefined) {
    this.#hearing = hearing;
    this.#features = features;
    this.#signal = signal;
  }

  /** (rows, steps, d_model) */
  async states(windows: readonly Window[]): Promise<DenseTensor> {
    const { frames } = this.#hearing;
    const placeOf = ({ first, end }: Window): string =>
      [first, Math.min(end, first + frames)].join();
    const isNew = (one: Window): boolean => this.#known.get(one.row)?.place !== placeOf(one);
    const others = windows.filter(isNew);
    if (others.length > 0) {
      const features = windowOf(this.#features, others, frames);
      const found = await this.#hearing.encode(features, this.#signal);
      for (const [i, one] of others.entries()) {
        this.#known.set(one.row, { place: placeOf(one), states: inputOf(found, i) });
      }
    }
    return below(windows.flatMap(({ row }) => this.#known.get(row)?.states ?? []));
  }
}

/** Inputs by their numbers, or windows of them: (rows, bins, frames), zeros behind what there is. */
function windowOf(
  { data, shape }: DenseTensor,
  rows: readonly Window[],
  frames: number,
): DenseTensor {
  const [, bins = 0, total = 0] = shape;
  const window = new Float32Array(rows.length * bins * frames);
  rows.forEach(({ row, first, end }, i) => {
    for (let bin = 0; bin < bins; bin++) {
      const line = (row * bins + bin) * total;
      const own = data.subarray(line + first, line + Math.min(end, first + frames));
      window.set(own, (i * bins + bin) * frames);
    }
  });
  return { data: window, shape: [rows.length, bins, frames] };
}

/** One of several inputs. */
export function inputOf({ data, shape }: DenseTensor, row: number): DenseTensor {
  const size = data.length / (shape[0] ?? 1);
  return { data: data.subarray(row * size, (row + 1) * size), shape: [1, ...shape.slice(1)] };
}

/** The token of the language that is spoken in each window, by what the model would write first. */
export async function heardLanguages(
  hearing: Hearing,
  states: DenseTensor,
  signal: AbortSignal | undefined,
): Promise<number[]> {
  const { tokens } = hearing;
  const [batch = 0] = states.shape;
  const decoderInputIds = Array.from({ length: batch }, () => [tokens.start]);
  const { data, shape } = await hearing.logits({ states, decoderInputIds, signal });
  const columns = shape.at(-1) ?? 0;
  const languages = [...(tokens.languages?.values() ?? [])].toSorted((a, b) => a - b);
  return decoderInputIds.map((_, row) => {
    const score = (token: number): number => data[row * columns + token] ?? -Infinity;
    return languages.reduce((best, token) => (score(token) > score(best) ? token : best));
  });
}

/** How likely it is that nobody speaks, by what stands at the start token of a prompt. states: (1, steps, d_model). */
export async function silence(
  hearing: Hearing,
  states: DenseTensor,
  prompt: readonly number[],
  signal: AbortSignal | undefined,
): Promise<number> {
  const { tokens } = hearing;
  const decoderInputIds = [prompt.slice(0, prompt.lastIndexOf(tokens.start) + 1)];
  const { data, shape } = await hearing.logits({ states, decoderInputIds, signal });
  const own = data.subarray(-(shape.at(-1) ?? 0));
  const largest = own.reduce((a, b) => Math.max(a, b), -Infinity);
  const sum = own.reduce((total, value) => total + Math.exp(value - largest), 0);
  // The token before the one that says that there are no time stamps.
  return Math.exp((own[(tokens.noTimestamps ?? 0) - 1] ?? -Infinity) - largest) / sum;
}

export interface Spoken {
  /** (1, steps, d_model) */
  readonly states: DenseTensor;
  readonly prompt: readonly number[];
  /** All that was generated, an end token too. */
  readonly generated: readonly number[];
  /** Steps of sound in the window. */
  readonly steps: number;
  readonly signal: AbortSignal | undefined;
}

/** Seconds at which each generated token was spoken, from the beginning of the window; an end when the last one was. */
export async function spokenTimes(
  hearing: Hearing,
  { states, prompt, generated, steps, signal }: Spoken,
): Promise<number[]> {
  const decoderInputIds = [[...prompt, ...generated.slice(0, -1)]];
  const times = tokenTimes({
    attentions: await hearing.crossAttentions({ states, decoderInputIds, signal }),
    heads: hearing.tokens.alignmentHeads ?? [],
    prompt: prompt.length,
    steps,
    width: hearing.medianWidth,
  });
  return [...times, times.at(-1) ?? 0];
}
