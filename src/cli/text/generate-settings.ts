// The options of webgpu-transformer generate, checked before anything is loaded.

import { existsSync } from 'node:fs';
import type { GenerateOptions } from '../../index.node.ts';
import type { WeightFormatName } from '../../model/weights/asked-formats.ts';
import type { JsonObject } from '../../source/json.ts';
import { embeddedModel } from '../embedded-model.ts';
import {
  dtypeOption,
  flagOption,
  type Options,
  positiveOption,
  readOptions,
  sourceAndTexts,
  taskOptions,
  textOption,
  UsageError,
  wholeOption,
} from '../options.ts';

export interface GenerateSettings {
  readonly source: string;
  readonly texts: readonly string[];
  readonly dtype: WeightFormatName | undefined;
  readonly json: boolean;
  readonly adapter: string | undefined;
  readonly quiet: boolean;
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

export const generateForm = 'generate [SOURCE] "PROMPT"';

const known = {
  model: textOption('SOURCE', 'the model, where every argument is a prompt'),
  'max-new-tokens': textOption('N', "stop after N tokens (the checkpoint's own limit, or 256)"),
  sample: flagOption('draw tokens at random, with the next four'),
  temperature: textOption('X', 'below 1 likely tokens grow likelier'),
  'top-k': textOption('N', 'draw among the N likeliest tokens'),
  'top-p': textOption('X', 'draw among the tokens that make up X'),
  seed: textOption('N', 'draw the same tokens each time'),
  beams: textOption('N', 'follow N sequences at once; prints at the end'),
  chat: flagOption('take prompts as turns of a chat; ask for them if there are none'),
  system: textOption('TEXT', 'what stands before the chat'),
  ...taskOptions,
};

export const generateOptions: Options = known;

/** @throws UsageError */
export function generateSettings(args: readonly string[]): GenerateSettings {
  const { values, positionals } = readOptions(args, known);
  const { adapter, json, quiet, chat, system } = values;
  if (system !== undefined && !chat) {
    throw new UsageError('--system begins a chat. Add --chat.');
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
  const { source, texts } = modelAndTexts(values.model, positionals);
  return { source, texts, adapter, dtype, json, quiet, chat, system, options };
}

/**
 * The model that is named, by option or first, or the embedded one: where what comes first reads as a text, which has
 * spaces and is no folder.
 */
function modelAndTexts(
  named: string | undefined,
  positionals: readonly string[],
): { source: string; texts: readonly string[] } {
  if (named !== undefined) return sourceAndTexts([named, ...positionals], generateForm);
  const [first = ''] = positionals;
  const isText = /\S\s+\S/.test(first) && !existsSync(first);
  if (isText) return { source: embeddedModel('novels'), texts: positionals };
  return sourceAndTexts(positionals, generateForm);
}

/** Refuses what would change nothing for this checkpoint. Errors: OPTION_INVALID. */
export function checkFits(
  { options, chat }: GenerateSettings,
  generation: JsonObject,
  isSeq2Seq: boolean,
): void {
  if (chat && isSeq2Seq) {
    throw new UsageError(
      '--chat needs a language model of one stack; this is an encoder–decoder. Leave it out.',
    );
  }
  if ((options.doSample ?? generation['do_sample']) === true) return;
  for (const [name, option] of Object.entries(sampling)) {
    if (!(name in options)) continue;
    throw new UsageError(
      `${option} changes nothing when the best token is always taken. Add --sample.`,
    );
  }
}
