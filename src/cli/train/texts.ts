// What a model of texts learns from: phrases, pairs of a file, or rows.

import type { Model, Source } from '../../index.node.ts';
import { courses } from '../../phrases/courses.ts';
import { Tokenizer } from '../../tokenizer/tokenizer.ts';
import { fileData, type Learner, phraseData, type TrainingData } from './data.ts';
import { readsPairs, rowData } from './rows.ts';
import type { RunSettings } from './settings.ts';

/** @throws TransformerError FILE_*, and what the data throws once there is a model */
export async function textLearner(settings: RunSettings, source: Source): Promise<Learner> {
  const tokenizer = await Tokenizer.load(source, undefined);
  return { source, tokenizer, data: ({ config }) => textData(settings, tokenizer, config) };
}

async function textData(
  { data, recipe, course }: RunSettings,
  tokenizer: Tokenizer,
  config: Model['config'],
): Promise<TrainingData> {
  const { field, labelSmoothing } = courses[course];
  // Smoothing is for what learns phrases.
  const smoothing = readsPairs(config) ? { labelSmoothing } : {};
  if (data === undefined) return { ...phraseData(recipe, field, tokenizer), ...smoothing };
  const positions = config['max_position_embeddings'];
  const most = typeof positions === 'number' ? positions : Infinity;
  if (readsPairs(config)) {
    return { ...(await fileData(data, recipe, tokenizer, most)), ...smoothing };
  }
  const shorter = Math.min(most, tokenizer.maxLength ?? Infinity);
  return rowData(data, recipe, tokenizer, { config, most: shorter });
}
