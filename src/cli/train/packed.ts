// Texts end to end, in rows that a language model reads whole.

import { TransformerError } from '../../index.node.ts';
import type { ModelInputs } from '../../model/model.ts';
import { show } from '../../runtime/print.ts';
import { exampleBatch } from '../../training/data/examples.ts';
import { packedRows } from '../../training/data/packed-rows.ts';
import { type DataRecord, readRecords } from '../../training/data/records.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import type { TrainingData } from './data.ts';
import type { RunSettings } from './run-settings.ts';

/** Of the data, one token in twenty is held out, of a file of its own all; and no more rows than this are measured. */
const heldOutAtMost = 64;

/** Tokens of a row, where neither the model nor its user says how many it may have. */
export const usualLength = 1024;

interface PackedOptions {
  /** Of the model. */
  readonly positions: number;
  /** Those of the data, where they were read before. */
  readonly texts?: readonly string[] | undefined;
}

/**
 * The texts of a file with the token between them that ends a text, where the tokenizer has one, in rows of `pack` tokens,
 * or of as many as the model has positions. Without a file that is held out, the end of the texts is.
 * Errors: FILE_*, and FILE_INVALID where there is less than a row.
 */
export async function packedData(
  data: string,
  { recipe, pack, heldOut }: RunSettings,
  tokenizer: Tokenizer,
  { positions, texts }: PackedOptions,
): Promise<TrainingData> {
  const length = pack ?? Math.min(positions, usualLength);
  const tokens = tokensOf(texts ?? (await textsOf(data)), tokenizer);
  const cut =
    heldOut === undefined ? tokens.length - Math.floor(tokens.length / 20) : tokens.length;
  const training = tokens.slice(0, cut);
  if (training.length < length) {
    throw new TransformerError(
      'FILE_INVALID',
      `${data} has ${training.length} tokens to learn; a row has ${length}. Pass more, or a smaller --pack.`,
    );
  }
  const held =
    heldOut === undefined ? tokens.slice(cut) : tokensOf(await textsOf(heldOut), tokenizer);
  const row = packedRows(training, length, recipe.seed);
  const { batchSize } = recipe;
  const count = (number: number): string => number.toLocaleString('en-US');
  return {
    batches: (index) =>
      batchOf(Array.from({ length: batchSize }, (_, i) => row(batchSize * index + i))),
    heldOut: [],
    heldOutBatches: heldOutBatches(held, length, batchSize),
    summary: `${count(training.length)} tokens of ${data}, ${count(held.length)} held out, rows of ${length}`,
  };
}

/** Rows of what is held out, as many from each part of it. */
function heldOutBatches(
  tokens: readonly number[],
  length: number,
  batchSize: number,
): ModelInputs[] {
  const whole = Math.floor(tokens.length / length);
  const every = Math.max(1, Math.floor(whole / heldOutAtMost));
  const measured = Math.min(whole, heldOutAtMost);
  const rows = Array.from({ length: measured }, (_, i) =>
    tokens.slice(every * i * length, (every * i + 1) * length),
  );
  const batches = Math.ceil(rows.length / batchSize);
  return Array.from({ length: batches }, (_, i) =>
    batchOf(rows.slice(i * batchSize, (i + 1) * batchSize)),
  );
}

/** Rows of one length, all of whose tokens count. */
function batchOf(rows: readonly number[][]): ModelInputs {
  return exampleBatch(
    rows.map((ids) => ({ inputIds: ids, labels: ids })),
    0,
  );
}

function tokensOf(texts: readonly string[], tokenizer: Tokenizer): number[] {
  const { eosToken } = tokenizer;
  return texts.flatMap((text) => {
    const ids = tokenizer.encode(text);
    return eosToken === undefined || ids.at(-1) === eosToken ? ids : [...ids, eosToken];
  });
}

/** The texts of a file of rows. Errors: FILE_*, naming the row. */
export async function textsOf(file: string): Promise<string[]> {
  return textsIn(file, await readRecords(file, { columns: ['text'] }));
}

/** The same of rows that are read. */
export function textsIn(file: string, rows: readonly DataRecord[]): string[] {
  return rows.map(({ text }, index) => {
    if (typeof text === 'string') return text;
    throw new TransformerError(
      'FILE_INVALID',
      `Row ${index + 1} of ${file} has the text ${show(text)}; wanted a string.`,
    );
  });
}
