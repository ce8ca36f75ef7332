// The options of webgpu-transformer generate, checked before anything is loaded.

import { type GenerateOptions, TransformerError } from '../index.node.ts';
import type { JsonObject } from '../source/json.ts';
import { sourceAndTexts } from './load.ts';
import { dtypeOption, positiveOption, readOptions, taskOptions, wholeOption } from './options.ts';

export interface GenerateSettings {
  readonly source: string;
  readonly texts: readonly string[];
  readonly dtype: 'f32' | 'f16' | undefined;
  readonly json: boolean;
  /** Whether texts are turns of a conversation, and what stands before its first turn. */
  readonly chat: boolean;
  readonly system: string | undefined;
  /** Those that were given; the checkpoint's files say the rest. */
  readonly options: GenerateOptions;
}

/** Options of sampling, by their names in the library. */
const sampling = {
  temperature: '--temperature',
  topK: '--top-k',
  topP: '--top-p',
  seed: '--seed',
} as const;

/** @throws TransformerError OPTION_INVALID, OPTION_UNKNOWN, INPUT_INVALID */
export function generateSettings(args: readonly string[]): GenerateSettings {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const { values, positionals } = readOptions({
    args: [...args],
    allowPositionals: true,
    options: {
      ...taskOptions,
      'max-new-tokens': text,
      sample: flag,
      temperature: text,
      'top-k': text,
      'top-p': text,
      seed: text,
      beams: text,
      chat: flag,
      system: text,
    },
  });
  const { json, chat, system } = values;
  if (system !== undefined && !chat) {
    throw new TransformerError('OPTION_INVALID', '--system begins a chat. Add --chat.');
  }
  const given = {
    maxNewTokens: wholeOption('--max-new-tokens', values['max-new-tokens'], 1),
    doSample: values.sample || undefined,
    temperature: positiveOption(sampling.temperature, values.temperature),
    topK: wholeOption(sampling.topK, values['top-k']),
    topP: positiveOption(sampling.topP, values['top-p'], 1),
    seed: wholeOption(sampling.seed, values.seed),
    numBeams: wholeOption('--beams', values.beams, 1),
  };
  const options = Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  );
  const dtype = dtypeOption(values.dtype);
  const { source, texts } = sourceAndTexts(positionals, 'generate SOURCE "PROMPT"');
  return { source, texts, dtype, json, chat, system, options };
}

/** Refuses what would change nothing for this checkpoint. Errors: OPTION_INVALID. */
export function checkFits(
  { options, chat }: GenerateSettings,
  generation: JsonObject,
  isSeq2Seq: boolean,
): void {
  if (chat && isSeq2Seq) {
    throw new TransformerError(
      'OPTION_INVALID',
      '--chat needs a language model of one stack; this is an encoder–decoder. Leave it out.',
    );
  }
  if ((options.doSample ?? generation['do_sample']) === true) return;
  for (const [name, option] of Object.entries(sampling)) {
    if (!(name in options)) continue;
    throw new TransformerError(
      'OPTION_INVALID',
      `${option} changes nothing when the best token is always taken. Add --sample.`,
    );
  }
}
