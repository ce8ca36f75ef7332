// Text from speech of any length, window by window ("Robust Speech Recognition via Large-Scale Weak Supervision", Radford et
// al., 2022, §3.8), as Hugging Face's `generate` has it: the next window begins where the last time stamp stands.

import { refuseUnknown, throwIfAborted, TransformerError } from '../../runtime/errors.ts';
import { optionNames, unsupported } from '../generation/options.ts';
import type { DenseTensor } from '../inputs/inputs.ts';
import { soundFeatures } from '../inputs/sound-inputs.ts';
import type { GenerateCallOptions, GenerateResult, ModelInputs } from '../model.ts';
import { refuseInputs } from '../inputs/refuse-inputs.ts';
import { EncodedWindows, type Hearing, heardLanguages, inputOf, spokenTimes } from './hearing.ts';
import { initialTokens } from './initial-tokens.ts';
import { type SpeechSegment, segmentsOf } from './segments.ts';
import {
  speechOptionNames,
  type SpeechSettings,
  speechSettings,
  type SpeechTokens,
} from './speech-options.ts';
import { stepsLeft } from './token-times.ts';
import { type WindowText, windowTexts } from './window.ts';

/** Options of all models, of those that hear, and those that are refused with a reason. */
const known: readonly string[] = [
  ...optionNames,
  ...speechOptionNames,
  'stopStrings',
  ...Object.keys(unsupported),
  'hiddenStates',
  'attentions',
  'logProbs',
  'capture',
  'edit',
];

/** A call, checked. */
interface Heard {
  /** (B, bins, frames), of any number of frames */
  readonly features: DenseTensor;
  readonly windows: EncodedWindows;
  readonly settings: SpeechSettings & { readonly timestamps: boolean };
  /** What the text of each input begins with. */
  readonly prompts: readonly (readonly number[])[];
  /** Frames of each input without padding; undefined where nobody says. */
  readonly frames: readonly number[] | undefined;
}

/** How far one input is heard. */
interface Progress {
  readonly row: number;
  seek: number;
  readonly frames: number;
  readonly segments: SpeechSegment[];
  /** The prompt of its first window. */
  prompt: readonly number[] | undefined;
  last: WindowText | undefined;
}

/** Checks a call, and hears which language is spoken where nothing says. Errors: INPUT_INVALID, OPTION_*. */
export async function hear(
  hearing: Hearing,
  inputs: ModelInputs,
  options: GenerateCallOptions,
): Promise<Heard> {
  refuseUnknown(options, known, 'option of generate');
  refuseInputs(inputs, ['inputFeatures'], 'Generation from speech');
  const { bins, frames: window, tokens, file, vocabulary } = hearing;
  const features = soundFeatures(inputs.inputFeatures, bins);
  const [batch = 0, , total = 0] = features.shape;
  const settings = speechSettings(options, file, { batch, vocabulary });
  const isLong = total > window;
  const timestamps = isLong || (settings.timestamps ?? false);
  refuse(
    isLong && settings.timestamps === false,
    `returnTimestamps is false, but inputFeatures has ${total} frames, and a window ${window}: the next one begins ` +
      'at the last time stamp. Pass returnTimestamps: true, or a window at most.',
  );
  refuse(
    timestamps && tokens.noTimestamps === undefined,
    'generation_config.json has no "no_timestamps_token_id", without which there are no time stamps.',
  );
  refuse(
    options.returnTokenTimestamps === true && tokens.alignmentHeads === undefined,
    'generation_config.json has no "alignment_heads", by which tokens are found in the sound.',
  );
  refuse(
    typeof options.numReturnSequences === 'number' && options.numReturnSequences > 1,
    'numReturnSequences is for calls with decoderInputIds; speech has one text.',
  );
  refuse(
    options.hiddenStates === true || options.attentions === true || options.logProbs === true,
    'hiddenStates and attentions are for calls with decoderInputIds, and for forward; logProbs for the former.',
  );
  refuse(
    options.edit !== undefined || options.capture !== undefined,
    'edit and capture are for calls with decoderInputIds: windows of speech are generated from one after the other, ' +
      'with rows that change.',
  );
  const frames = framesOf(options, batch, total);
  refuse(
    isLong && batch > 1 && frames === undefined,
    'Several inputs that are longer than a window need numFrames: the frames that each has without padding.',
  );
  const windows = new EncodedWindows(hearing, features, options.signal);
  const prompts = await initialTokens(tokens, { ...settings, timestamps }, async () => {
    const rows = Array.from({ length: batch }, (_, row) => ({ row, first: 0, end: total }));
    return heardLanguages(hearing, await windows.states(rows), options.signal);
  });
  return { features, windows, settings: { ...settings, timestamps }, prompts, frames };
}

function refuse(is: boolean, message: string): void {
  if (is) throw new TransformerError('OPTION_INVALID', message);
}

function framesOf(
  { numFrames }: GenerateCallOptions,
  batch: number,
  total: number,
): readonly number[] | undefined {
  if (numFrames === undefined) return undefined;
  const given = [numFrames].flat();
  const each = Array.from(
    { length: batch },
    (_, row) => given[given.length === 1 ? 0 : row] ?? NaN,
  );
  const fits = (frames: number): boolean =>
    Number.isInteger(frames) && frames >= 0 && frames <= total;
  refuse(
    ![1, batch].includes(given.length) || !each.every(fits),
    `numFrames is [${given.join(', ')}]; wanted ${batch} whole numbers from 0 to ${total}.`,
  );
  return each;
}

/** Generates the text of each input. Errors: INPUT_INVALID, OPTION_*, ABORTED, DISPOSED. */
export async function transcribe(
  hearing: Hearing,
  inputs: ModelInputs,
  options: GenerateCallOptions = {},
): Promise<GenerateResult> {
  const { features, windows, settings, prompts, frames } = await hear(hearing, inputs, options);
  const [batch = 0, , total = 0] = features.shape;
  const { frames: most } = hearing;
  const isLong = total > most;
  const all = Array.from({ length: batch }, (_, row): Progress => {
    const own = isLong && batch > 1 ? (frames?.[row] ?? total) : total;
    return { row, seek: 0, frames: own, segments: [], prompt: undefined, last: undefined };
  });
  for (;;) {
    throwIfAborted(options.signal);
    const active = all.filter(({ seek, frames: own }) => seek < own);
    if (active.length === 0) return resultOf(all, options, hearing.tokens);
    const rows = active.map(({ row, seek, frames: end }) => ({ row, first: seek, end }));
    const states = await windows.states(rows);
    const left = active.map(({ row, seek }) => (frames?.[row] ?? seek + most) - seek);
    const areAlike = new Set(left).size === 1;
    const begun = active.map((one) => [
      ...priorText(one, settings, hearing),
      ...(prompts[one.row] ?? []),
    ]);
    const texts = await windowTexts(hearing, {
      states,
      prompts: begun,
      settings,
      options,
    });
    for (const [i, one] of active.entries()) {
      const [text, prompt = []] = [texts[i], begun[i]];
      if (text === undefined) throw new RangeError('a window without a text');
      const times =
        options.returnTokenTimestamps === true && !text.isSilent
          ? await spokenTimes(hearing, {
              states: inputOf(states, i),
              prompt,
              generated: text.generated,
              steps: stepsLeft(left[i] ?? most, states.shape[1] ?? 0, areAlike),
              signal: options.signal,
            })
          : undefined;
      takeWindow(one, text, prompt, times, hearing);
    }
  }
}

/** Adds what was heard in a window, and moves on. */
function takeWindow(
  one: Progress,
  text: WindowText,
  prompt: readonly number[],
  times: readonly number[] | undefined,
  { frames: most, tokens }: Hearing,
): void {
  const frames = Math.min(most, one.frames - one.seek);
  one.prompt ??= prompt;
  one.last = text;
  if (text.isSilent) {
    one.seek += frames;
    return;
  }
  const { segments, advance } = segmentsOf({
    tokens: text.hasEnded ? text.generated.slice(0, -1) : text.generated,
    times,
    firstStamp: tokens.firstStamp,
    frames,
    before: one.seek,
  });
  one.segments.push(...segments);
  // A window without an end of its own would be heard for ever.
  one.seek += advance > 0 ? advance : frames;
}

/** What stands before the prompt of a window: the text of those before it, or what the speech goes on from. */
function priorText(
  { segments, last }: Progress,
  { isContinued, promptIds, promptsAll }: SpeechSettings,
  { tokens, maxPositions }: Hearing,
): readonly number[] {
  const isSure = last === undefined || last.temperature < 0.5;
  const first = promptIds?.[0] === tokens.previous ? promptIds?.slice(1) : promptIds;
  const before = [
    ...(promptsAll ? [] : [first ?? []]),
    ...segments.map((segment) => withoutPair(segment.tokens, tokens.firstStamp)),
  ].flat();
  if (!isContinued || !isSure || before.length === 0) return promptIds ?? [];
  const cut = before.slice(-(Math.floor(maxPositions / 2) - 1));
  if (promptsAll && promptIds !== undefined) return [...promptIds, ...cut];
  return tokens.previous === undefined ? cut : [tokens.previous, ...cut];
}

/** Without the second of two time stamps at the end. */
function withoutPair(tokens: readonly number[], firstStamp: number): readonly number[] {
  const endsWithPair = tokens.length > 2 && (tokens.at(-2) ?? -1) >= firstStamp;
  return endsWithPair ? tokens.slice(0, -1) : tokens;
}

function resultOf(
  all: readonly Progress[],
  { returnTokenTimestamps = false }: GenerateCallOptions,
  { pad }: SpeechTokens,
): GenerateResult {
  const rows = all.map(({ prompt = [], segments, last }) => {
    const end = last?.hasEnded === true ? last.generated.slice(-1) : [];
    const own = segments.flatMap(({ tokens }) => tokens);
    const times = segments.flatMap(({ tokenTimestamps = [] }) => tokenTimestamps);
    return {
      tokens: [...prompt, ...own, ...end],
      times: [...prompt.map(() => 0), ...times, ...end.map(() => times.at(-1) ?? 0)],
    };
  });
  const longest = rows.reduce((most, { tokens }) => Math.max(most, tokens.length), 0);
  const filled = (list: readonly number[], fill: number): number[] => [
    ...list,
    ...Array<number>(longest - list.length).fill(fill),
  ];
  return {
    sequences: rows.map(({ tokens }) => filled(tokens, pad)),
    segments: all.map(({ segments }) => segments),
    ...(returnTokenTimestamps && {
      tokenTimestamps: rows.map(({ times }) => filled(times, times.at(-1) ?? 0)),
    }),
  };
}
