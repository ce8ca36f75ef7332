// A model that hears, as generation from speech sees it, and what it says of sound without generating.

import type { Generation } from '../generation/generation.ts';
import type { DenseTensor } from '../inputs/inputs.ts';
import type { SoundInput } from '../inputs/sound-inputs.ts';
import type { Model } from '../model.ts';
import type { JsonObject } from '../../source/json.ts';
import type { SpeechTokens } from './speech-options.ts';
import { tokenTimes } from './token-times.ts';

export interface Hearing {
  readonly stage: SoundInput;
  readonly tokens: SpeechTokens;
  /** The settings of generation in the files. */
  readonly file: JsonObject;
  readonly vocabulary: number;
  /** Of the target. */
  readonly maxPositions: number;
  /** Steps that attention is smoothed over, see `tokenTimes`. */
  readonly medianWidth: number;
  readonly forward: Model['forward'];
  readonly generation: Pick<Generation, 'transcribe'>;
}

/** Inputs by their numbers, or windows of them: (rows, bins, frames), zeros behind what there is. */
export function windowOf(
  { data, shape }: DenseTensor,
  rows: readonly { readonly row: number; readonly first: number; readonly end: number }[],
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
  { forward, tokens }: Hearing,
  inputFeatures: DenseTensor,
  signal: AbortSignal | undefined,
): Promise<number[]> {
  const [batch = 0] = inputFeatures.shape;
  const decoderInputIds = Array.from({ length: batch }, () => [tokens.start]);
  const { logits } = await forward({ inputFeatures, decoderInputIds }, signal ? { signal } : {});
  const columns = logits?.shape.at(-1) ?? 0;
  const languages = [...(tokens.languages?.values() ?? [])].toSorted((a, b) => a - b);
  return decoderInputIds.map((_, row) => {
    const score = (token: number): number => logits?.data[row * columns + token] ?? -Infinity;
    return languages.reduce((best, token) => (score(token) > score(best) ? token : best));
  });
}

/** How likely it is that nobody speaks, by what stands at the start token of a prompt. */
export async function silence(
  { forward, tokens }: Hearing,
  inputFeatures: DenseTensor,
  prompt: readonly number[],
  signal: AbortSignal | undefined,
): Promise<number> {
  const decoderInputIds = [prompt.slice(0, prompt.lastIndexOf(tokens.start) + 1)];
  const { logits } = await forward({ inputFeatures, decoderInputIds }, signal ? { signal } : {});
  const columns = logits?.shape.at(-1) ?? 0;
  const own = logits?.data.subarray(-columns) ?? new Float32Array();
  const largest = own.reduce((a, b) => Math.max(a, b), -Infinity);
  const sum = own.reduce((total, value) => total + Math.exp(value - largest), 0);
  // The token before the one that says that there are no time stamps.
  return Math.exp((own[(tokens.noTimestamps ?? 0) - 1] ?? -Infinity) - largest) / sum;
}

export interface Spoken {
  /** (1, bins, frames) */
  readonly inputFeatures: DenseTensor;
  readonly prompt: readonly number[];
  /** All that was generated, an end token too. */
  readonly generated: readonly number[];
  /** Steps of sound in the window. */
  readonly steps: number;
  readonly signal: AbortSignal | undefined;
}

/** Seconds at which each generated token was spoken, from the beginning of the window; an end when the last one was. */
export async function spokenTimes(
  { forward, tokens, medianWidth }: Hearing,
  { inputFeatures, prompt, generated, steps, signal }: Spoken,
): Promise<number[]> {
  const decoderInputIds = [[...prompt, ...generated.slice(0, -1)]];
  const asked = { attentions: 'cross', ...(signal && { signal }) } as const;
  const { crossAttentions = [] } = await forward({ inputFeatures, decoderInputIds }, asked);
  const times = tokenTimes({
    attentions: crossAttentions,
    heads: tokens.alignmentHeads ?? [],
    prompt: prompt.length,
    steps,
    width: medianWidth,
  });
  return [...times, times.at(-1) ?? 0];
}
