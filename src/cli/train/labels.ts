// Rows of a file as what a classifier of texts learns: a text, or two, and a label.

import { type NewHead, TransformerError } from '../../index.node.ts';
import { className } from '../../model/heads/head-name.ts';
import type { JsonObject } from '../../source/json.ts';
import { show } from '../../runtime/print.ts';
import { type LabelledText, labelledBatch } from '../../training/data/labelled-texts.ts';
import { columnsOf, type DataRecord } from '../../training/data/row-parsers.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import type { ModelInputs } from '../../model/model.ts';
import { labelsOf } from '../describe.ts';

/** Whether a checkpoint tells something of whole texts. */
export function labelsTexts(config: JsonObject): boolean {
  return className(config)?.endsWith('ForSequenceClassification') === true;
}

/** Whether a checkpoint writes on from texts, which it goes on learning where rows have labels, too. */
function writesOn(config: JsonObject): boolean {
  return /(ForCausalLM|LMHeadModel|ForConditionalGeneration)$/.test(className(config) ?? '');
}

/**
 * The head that a checkpoint needs for the labels of a file; undefined where it knows them all, or where the rows have
 * none and it is no classifier.
 * @throws TransformerError FILE_INVALID for labels that leave nothing to learn
 */
export function headForRows(
  file: string,
  rows: readonly DataRecord[],
  { config, seed }: { readonly config: JsonObject; readonly seed: number },
): NewHead | undefined {
  const isClassifier = labelsTexts(config);
  const hasLabels = rows.some(({ label }) => label !== undefined);
  if (!hasLabels || (!isClassifier && writesOn(config))) return undefined;
  const names = isClassifier ? labelsOf(config, className(config) ?? null) : [];
  const labels = rows.map(({ label }) => label);
  const flags = labels.find((label) => Array.isArray(label));
  if (flags !== undefined) {
    if (isClassifier) return undefined;
    const problemType = 'multi_label_classification';
    return { labels: numbered(flags.length), problemType, seed };
  }
  const numbers = labels.filter((label) => isNumber(label, names)).map(Number);
  if (numbers.length > 0) return headForNumbers(file, numbers, { isClassifier, names, seed });
  const own = new Set(labels.filter((label) => typeof label === 'string' && label.trim() !== ''));
  const classes = ([...own] as string[]).toSorted();
  if (classes.length === 1) throw oneClass(file, classes[0]);
  return classes.every((name) => names.includes(name)) ? undefined : { labels: classes, seed };
}

function headForNumbers(
  file: string,
  numbers: readonly number[],
  known: Known,
): NewHead | undefined {
  const { isClassifier, names, seed } = known;
  if (isClassifier && names.length === 1) return undefined;
  const isClass = numbers.every((number) => Number.isSafeInteger(number) && number >= 0);
  if (!isClass) return isClassifier ? undefined : { labels: ['score'], seed };
  if (new Set(numbers).size === 1) throw oneClass(file, numbers[0]);
  const count = numbers.reduce((most, number) => Math.max(most, number + 1), 0);
  return count <= names.length ? undefined : { labels: numbered(count), seed };
}

interface Known {
  readonly isClassifier: boolean;
  /** The labels that it has. */
  readonly names: readonly string[];
  readonly seed: number;
}

/** Names of labels that have none, as Hugging Face's models call them. */
function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `LABEL_${index}`);
}

function oneClass(file: string, label: unknown): TransformerError {
  return new TransformerError(
    'FILE_INVALID',
    `All rows of ${file} have the label ${show(label)}, which leaves nothing to tell apart. ` +
      'Pass rows of two classes at least.',
  );
}

/** A number, or one in the digits of a table, which holds texts alone, that is no name. */
function isNumber(label: unknown, names: readonly string[]): boolean {
  if (typeof label === 'number') return Number.isFinite(label);
  const isDigits = typeof label === 'string' && /\d/.test(label) && Number.isFinite(Number(label));
  return isDigits && !names.includes(label);
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
      const { text, label } = row;
      if (text === undefined || label === undefined) {
        throw new TransformerError(
          'INPUT_INVALID',
          `it has ${columnsOf(row)}; a classifier of texts wants "text", "label" and perhaps "textPair".`,
        );
      }
      const example = { ...row, label: isNumber(label, names) ? Number(label) : label };
      batchOf([example as LabelledText]);
      return example as LabelledText;
    },
  };
}
