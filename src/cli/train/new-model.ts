// A language model from scratch: weights that are drawn, and a tokenizer that is learned unless there is one.

import { type Source, TransformerError } from '../../index.node.ts';
import { className } from '../../model/heads/head-name.ts';
import { readConfigs } from '../../model/read-configs.ts';
import type { Recipe } from '../../phrases/recipe.ts';
import { show } from '../../runtime/print.ts';
import type { JsonObject } from '../../source/json.ts';
import { openSource } from '../../source/open-source.ts';
import { jsonBytes, withFiles } from '../../source/overlay.ts';
import {
  learnByteLevelTokenizer,
  leastVocabulary,
} from '../../training/data/byte-level-tokenizer.ts';
import { initialCheckpoint } from '../../training/initialize.ts';
import { type AdamSettings, adamW } from '../../training/optimizers.ts';
import { cosine } from '../../training/schedules.ts';
import type { TrainerOptions } from '../../training/trainer-options.ts';
import { positionsOf, tasksFor } from '../describe.ts';
import { UsageError } from '../options.ts';
import { companionFiles, readFiles } from './companion-files.ts';
import { textsOf } from './packed.ts';
import type { RunSettings } from './run-settings.ts';

/**
 * The settings by which GPT-3 was trained ("Language Models are Few-Shot Learners", Brown et al. 2020, appendix B): AdamW,
 * and half a cosine down to a tenth of the greatest rate.
 */
export function newModelOptions(
  { seed, steps, learningRate, warmupSteps }: Recipe,
  state: AdamSettings['state'] = 'f32',
): TrainerOptions {
  const final = learningRate / 10;
  return {
    optimizer: adamW({ beta1: 0.9, beta2: 0.95, weightDecay: 0.1, state }),
    learningRate: cosine({ learningRate, warmupSteps, totalSteps: steps, final }),
    maxGradNorm: 1,
    seed,
  };
}

/** What a run begins with. */
export interface Start {
  readonly source: Source;
  /** The texts of the data, where they were read for its tokenizer. */
  readonly texts?: readonly string[];
}

/**
 * A new checkpoint for the config.json of a place. Where no tokenizer is beside it, one of `vocab_size` tokens is learned
 * from what there is to learn, and the configuration takes its size and its end of a text.
 * Errors: UsageError for what is no language model; FILE_*, CONFIG_INVALID, MODEL_UNSUPPORTED.
 */
export async function newModel(
  place: string,
  { data = '', recipe: { seed } }: Pick<RunSettings, 'data' | 'recipe'>,
): Promise<Start> {
  const source = openSource(place);
  const { config, generation } = await readConfigs(source, undefined);
  const tasks = await tasksFor(config, className(config) ?? null);
  if (!tasks.includes('text-generation')) {
    throw new UsageError(
      `--new begins a language model; the config.json of ${place} has the architectures ` +
        `${show(config['architectures'])}. Name one such as GPT2LMHeadModel.`,
    );
  }
  const files = await readFiles(source, companionFiles);
  if (['tokenizer.json', 'vocab.json', 'vocab.txt'].some((name) => files.has(name))) {
    const checkpoint = initialCheckpoint(config, { seed, generationConfig: generation });
    return { source: withFiles(checkpoint, files) };
  }
  const texts = await textsOf(data);
  const {
    tokenizer,
    config: naming,
    endToken,
    size,
  } = learnByteLevelTokenizer(texts, wantedTokens(place, config));
  const ends = { bos_token_id: endToken, eos_token_id: endToken };
  const checkpoint = initialCheckpoint(
    { ...config, vocab_size: size, ...ends },
    { seed, generationConfig: ends },
  );
  const positions = positionsOf(config);
  const reads = {
    ...naming,
    ...(typeof positions === 'number' && { model_max_length: positions }),
  };
  const learned = { 'tokenizer.json': tokenizer, 'tokenizer_config.json': reads };
  const written = Object.entries(learned).map(([name, value]) => [name, jsonBytes(value)] as const);
  return { source: withFiles(checkpoint, new Map(written), 'a new language model'), texts };
}

/** How large a vocabulary is to be. Errors: CONFIG_INVALID. */
function wantedTokens(place: string, { vocab_size: size }: JsonObject): number {
  if (Number.isSafeInteger(size) && Number(size) >= leastVocabulary) return Number(size);
  throw new TransformerError(
    'CONFIG_INVALID',
    `vocab_size of ${place} is ${show(size)}; wanted ${leastVocabulary} tokens or more to learn, as there is no ` +
      'tokenizer.json.',
  );
}
