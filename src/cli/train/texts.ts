// What a model of texts learns from: phrases, pairs of a file, rows, or texts end to end.

import type { Model } from '../../index.node.ts';
import { readConfig } from '../../model/read-configs.ts';
import { courses } from '../../phrases/courses.ts';
import { Tokenizer } from '../../tokenizer/tokenizer.ts';
import { type DataRecord, readRecords } from '../../training/data/records.ts';
import { contrastLearner, isContrast } from './contrast.ts';
import { fileData, type Learner, phraseData, type TrainingData } from './data.ts';
import { headForRows, labelsTexts } from './labels.ts';
import { readsPairs, rowData } from './rows.ts';
import type { Start } from './new-model.ts';
import { packedData } from './packed.ts';
import type { RunSettings } from './run-settings.ts';

/** @throws TransformerError FILE_*, and what the data throws once there is a model */
export async function textLearner(
  settings: RunSettings,
  { source, texts }: Start,
): Promise<Learner> {
  const tokenizer = await Tokenizer.load(source, undefined);
  const config = await readConfig(source, undefined);
  const { data, recipe, pack } = settings;
  const isOfPairs = readsPairs(config) && !labelsTexts(config);
  const isPacked = pack !== undefined || settings.new !== undefined;
  const rows = data === undefined || isOfPairs || isPacked ? undefined : await readRecords(data);
  if (data !== undefined && rows?.some(isContrast)) {
    return contrastLearner(data, rows, { source, tokenizer, recipe });
  }
  const head = data && rows && headForRows(data, rows, { config, seed: recipe.seed });
  return {
    source,
    tokenizer,
    ...(head && { head }),
    data: (model) => textData(settings, tokenizer, model, { rows, texts }),
  };
}

/** What of the data is read already. */
interface ReadData {
  readonly texts: readonly string[] | undefined;
  readonly rows: readonly DataRecord[] | undefined;
}

async function textData(
  settings: RunSettings,
  tokenizer: Tokenizer,
  { config, maxPositions }: Model,
  { rows, texts }: ReadData,
): Promise<TrainingData> {
  const { data, recipe, course } = settings;
  const { field, labelSmoothing } = courses[course];
  // Smoothing is for what learns phrases.
  const smoothing = rows === undefined ? { labelSmoothing } : {};
  if (data === undefined) return { ...phraseData(recipe, field, tokenizer), ...smoothing };
  if (rows !== undefined) {
    const shorter = Math.min(maxPositions, tokenizer.maxLength ?? Infinity);
    return rowData(data, rows, recipe, { tokenizer, config, most: shorter });
  }
  if (!readsPairs(config)) {
    return packedData(data, settings, tokenizer, { positions: maxPositions, texts });
  }
  return { ...(await fileData(data, recipe, tokenizer, maxPositions)), ...smoothing };
}
