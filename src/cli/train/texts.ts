// What a model of texts learns from: phrases, pairs of a file, rows, or texts end to end.

import type { Model } from '../../index.node.ts';
import { readConfig } from '../../model/read-configs.ts';
import { courses } from '../../phrases/courses.ts';
import { Tokenizer } from '../../tokenizer/tokenizer.ts';
import { type DataRecord, readRecords } from '../../training/data/records.ts';
import { contrastLearner, isContrast } from './contrast.ts';
import { fileData, type Learner, pairExamples, phraseData, type TrainingData } from './data.ts';
import { exampleLearner } from './example-set.ts';
import { headForRows, labelsTexts } from './labels.ts';
import { readsPairs, rowExamples } from './rows.ts';
import type { Start } from './new-model.ts';
import { packedData } from './packed.ts';
import type { RunSettings } from './run-settings.ts';

/** @throws TransformerError FILE_*, and what the data throws once there is a model */
export async function textLearner(
  settings: RunSettings,
  { source, texts, rows: read }: Start & { readonly rows?: readonly DataRecord[] | undefined },
): Promise<Learner> {
  const tokenizer = await Tokenizer.load(source, undefined);
  const config = await readConfig(source, undefined);
  const { data, recipe, pack } = settings;
  const isOfPairs = readsPairs(config) && !labelsTexts(config);
  const isPacked = pack !== undefined || settings.new !== undefined;
  const rows =
    data === undefined || isOfPairs || isPacked ? undefined : (read ?? (await readRecords(data)));
  if (data !== undefined && rows?.some(isContrast)) {
    return contrastLearner(data, rows, { source, tokenizer, recipe });
  }
  if (data !== undefined && rows !== undefined) {
    const head = headForRows(data, rows, { config, seed: recipe.seed });
    const learner = { source, tokenizer, ...(head && { head }) };
    return exampleLearner(learner, recipe, (model) => {
      const most = Math.min(model.maxPositions, tokenizer.maxLength ?? Infinity);
      return rowExamples(data, rows, { tokenizer, config: model.config, most });
    });
  }
  return {
    source,
    tokenizer,
    data: (model) => textData(settings, tokenizer, model, texts),
    ...(data !== undefined &&
      isOfPairs && { examples: (model) => pairExamples(data, tokenizer, model.maxPositions) }),
  };
}

/** `texts`: those of the data, where they were read before. */
async function textData(
  settings: RunSettings,
  tokenizer: Tokenizer,
  { config, maxPositions }: Model,
  texts: readonly string[] | undefined,
): Promise<TrainingData> {
  const { data, recipe, course } = settings;
  const { field, labelSmoothing } = courses[course];
  if (data === undefined) return { ...phraseData(recipe, field, tokenizer), labelSmoothing };
  if (!readsPairs(config)) {
    return packedData(data, settings, tokenizer, { positions: maxPositions, texts });
  }
  return { ...(await fileData(data, recipe, tokenizer, maxPositions)), labelSmoothing };
}
