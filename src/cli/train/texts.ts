// What a model of texts learns from: phrases, pairs of a file, rows, or texts end to end.

import type { Model, Source } from '../../index.node.ts';
import { courses } from '../../phrases/courses.ts';
import { Tokenizer } from '../../tokenizer/tokenizer.ts';
import { fileData, type Learner, phraseData, type TrainingData } from './data.ts';
import { readsPairs, rowData } from './rows.ts';
import { packedData } from './packed.ts';
import type { RunSettings } from './run-settings.ts';

/** @throws TransformerError FILE_*, and what the data throws once there is a model */
export async function textLearner(settings: RunSettings, source: Source): Promise<Learner> {
  const tokenizer = await Tokenizer.load(source, undefined);
  return { source, tokenizer, data: (model) => textData(settings, tokenizer, model) };
}

async function textData(
  settings: RunSettings,
  tokenizer: Tokenizer,
  { config, maxPositions }: Model,
): Promise<TrainingData> {
  const { data, recipe, course, pack } = settings;
  const { field, labelSmoothing } = courses[course];
  // Smoothing is for what learns phrases.
  const smoothing = readsPairs(config) ? { labelSmoothing } : {};
  if (data === undefined) return { ...phraseData(recipe, field, tokenizer), ...smoothing };
  if (readsPairs(config)) {
    const pairs = await fileData(data, recipe, tokenizer, maxPositions);
    return { ...pairs, ...smoothing };
  }
  if (pack !== undefined || settings.new !== undefined) {
    return packedData(data, settings, tokenizer, maxPositions);
  }
  const shorter = Math.min(maxPositions, tokenizer.maxLength ?? Infinity);
  return rowData(data, recipe, tokenizer, { config, most: shorter });
}
