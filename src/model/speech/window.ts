// The text of one window, at the first temperature that gives one ("Robust Speech Recognition via Large-Scale Weak
// Supervision", Radford et al., 2022, §3.8 and §4.5).

import { type GenerateOptions, samplingOptions } from '../generation/options.ts';
import { below } from '../inputs/dense-rows.ts';
import type { DenseTensor } from '../inputs/inputs.ts';
import type { GenerateCallOptions } from '../model.ts';
import type { JsonObject } from '../../source/json.ts';
import { type Hearing, inputOf, silence } from './hearing.ts';
import { speechOptionNames, type SpeechSettings } from './speech-options.ts';

export interface WindowCall {
  /** (rows, steps, d_model) */
  readonly states: DenseTensor;
  readonly prompts: readonly (readonly number[])[];
  readonly settings: SpeechSettings & { readonly timestamps: boolean };
  readonly options: GenerateCallOptions;
}

export interface WindowText {
  /** What was generated, up to its end token. */
  readonly generated: readonly number[];
  readonly hasEnded: boolean;
  readonly temperature: number;
  /** Whether nobody speaks in the window. */
  readonly isSilent: boolean;
}

/** The text of each row of a window. */
export async function windowTexts(hearing: Hearing, call: WindowCall): Promise<WindowText[]> {
  const { settings, prompts, options } = call;
  const { temperatures, logProb: least, noSpeech, compressionRatio: most } = settings;
  const found = new Map<number, WindowText>();
  let open = prompts.map((_, row) => row);
  for (const temperature of temperatures) {
    const results = await generated(hearing, call, open, temperature);
    const isLast = temperature === temperatures.at(-1);
    const again: number[] = [];
    for (const [i, row] of open.entries()) {
      const { tokens, logProb } = results[i] ?? { tokens: [], logProb: undefined };
      const isUnlikely = least !== undefined && logProb !== undefined && logProb < least;
      const isRepeating =
        most !== undefined && (await compressionRatio(tokens, hearing.vocabulary)) > most;
      const prompt = prompts[row] ?? [];
      const isSilent =
        isUnlikely &&
        noSpeech !== undefined &&
        (await silence(hearing, inputOf(call.states, row), prompt, options.signal)) > noSpeech;
      const hasEnded = tokens.at(-1) === hearing.tokens.end;
      found.set(row, { generated: tokens, hasEnded, temperature, isSilent });
      if ((isUnlikely || isRepeating) && !isSilent && !isLast) again.push(row);
    }
    open = again;
    if (open.length === 0) break;
  }
  return prompts.map((_, row) => {
    const text = found.get(row);
    if (text === undefined) throw new RangeError('a window without a text');
    return text;
  });
}

/** What some rows of a window give at a temperature, each up to its end token. */
async function generated(
  hearing: Hearing,
  { states, prompts, settings, options }: WindowCall,
  rows: readonly number[],
  temperature: number,
): Promise<{ tokens: number[]; logProb: number | undefined }[]> {
  const { tokens, generation, maxPositions, file } = hearing;
  const own = rows.map((row) => prompts[row] ?? []);
  const length = own.reduce((longest, prompt) => Math.max(longest, prompt.length), 0);
  const padded = (fill: number, of: (id: number) => number): number[][] =>
    own.map((prompt) => [...Array<number>(length - prompt.length).fill(fill), ...prompt.map(of)]);
  const batch = { batch: rows.length, length };
  const { sequences, scores, logProbs } = await generation.transcribe({
    prompt: {
      tokens: { ...batch, rows: padded(tokens.pad, (id) => id) },
      mask: { ...batch, rows: padded(0, () => 1) },
      source: hearing.sourceOf(below(rows.map((row) => inputOf(states, row)))),
    },
    options: {
      ...atTemperature(options, temperature),
      ...lengthOf(options, file, length, maxPositions),
    },
    speech: {
      stamps: settings.timestamps
        ? { begin: tokens.firstStamp, initial: tokens.lateStamps }
        : undefined,
      weighs: settings.logProb !== undefined,
    },
  });
  return sequences.map((sequence, i) => {
    const all = sequence.slice(length);
    const end = tokens.end === undefined ? -1 : all.indexOf(tokens.end);
    const weights = logProbs?.[i];
    return {
      tokens: end < 0 ? all : all.slice(0, end + 1),
      // Beams are held to their own score, which is the same mean for a length penalty of 1.
      logProb:
        scores?.[i] ?? (weights && weights.reduce((sum, one) => sum + one, 0) / weights.length),
    };
  });
}

/** The options of generation for a temperature, 0 being the best tokens without a draw. */
export function atTemperature(options: GenerateCallOptions, temperature: number): GenerateOptions {
  const draws = temperature > 0;
  const mayDraw = [options.temperature ?? 0].flat().some((one) => one > 0);
  const idle: readonly string[] = [
    ...speechOptionNames,
    'temperature',
    ...(draws ? ['numBeams', 'lengthPenalty', 'earlyStopping'] : []),
    ...(!draws && mayDraw ? samplingOptions : []),
  ];
  const rest = Object.entries(options).filter(([name]) => !idle.includes(name));
  return {
    ...Object.fromEntries(rest),
    doSample: draws,
    ...(draws && { temperature, numBeams: 1 }),
  };
}

/** A length counts from behind the prompt on, as far as that takes no more than half of the positions. */
function lengthOf(
  { maxNewTokens, maxLength: asked }: GenerateCallOptions,
  file: JsonObject,
  prompt: number,
  positions: number,
): { maxLength?: number } {
  const maxLength = asked ?? file['max_length'];
  const isNew = (maxNewTokens ?? file['max_new_tokens'] ?? undefined) !== undefined;
  if (isNew || typeof maxLength !== 'number') return {};
  const counted = Math.min(Math.floor(positions / 2) - 1, prompt);
  return { maxLength: Math.min(positions, maxLength + counted) };
}

/** How many times smaller zlib makes tokens, as bytes of the width that their vocabulary needs. */
async function compressionRatio(tokens: readonly number[], vocabulary: number): Promise<number> {
  const width = Math.floor(Math.log2(vocabulary) / 8) + 1;
  const bytes = Uint8Array.from({ length: tokens.length * width }, (_, i) => {
    return ((tokens[Math.floor(i / width)] ?? 0) >>> (8 * (i % width))) & 255;
  });
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream('deflate'));
  const { byteLength } = await new Response(stream).arrayBuffer();
  return bytes.length / byteLength;
}
