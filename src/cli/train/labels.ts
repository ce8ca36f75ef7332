// Rows of a file as what a classifier of texts learns: a text, or two, and a label.

import { fieldOf } from '../../runtime/errors.ts';
import { className } from '../../model/heads/head-name.ts';
import type { JsonObject } from '../../source/json.ts';
import { type LabelledText, labelledBatch } from '../../training/data/labelled-texts.ts';
import type { DataRecord } from '../../training/data/records.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import type { ModelInputs } from '../../model/model.ts';
import { labelsOf } from '../describe.ts';

/** Whether a checkpoint tells something of whole texts. */
export function labelsTexts(config: JsonObject): boolean {
  return className(config)?.endsWith('ForSequenceClassification') === true;
}

/** What makes batches of rows, and refuses a row that is none. */
export function labelBatches(
  tokenizer: Tokenizer,
  config: JsonObject,
  most: number,
): {
  readonly exampleOf: (row: DataRecord) => LabelledText;
  readonly batchOf: (examples: readonly LabelledText[]) => ModelInputs;
} {
  const names = labelsOf(config, className(config) ?? null);
  const options = { labels: names, ...(most < Infinity && { maxLength: most }) };
  const batchOf = (examples: readonly LabelledText[]): ModelInputs =>
    labelledBatch(tokenizer, examples, options);
  return {
    batchOf,
    exampleOf(row) {
      const label = fieldOf(row, 'label');
      // Tables hold texts alone.
      const isNumber =
        typeof label === 'string' && /\d/.test(label) && Number.isFinite(Number(label));
      const example = {
        ...row,
        label: isNumber && !names.includes(label) ? Number(label) : label,
      } as LabelledText;
      batchOf([example]);
      return example;
    },
  };
}
