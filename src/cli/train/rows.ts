// Rows of a file as what a language model learns from, and the held-out rest, whose loss is looked at.

import { TransformerError } from '../../index.node.ts';
import { fieldOf } from '../../runtime/errors.ts';
import type { ModelInputs } from '../../model/model.ts';
import { Random } from '../../model/random.ts';
import {
  chatExample,
  completionExample,
  exampleBatch,
  textExample,
  type TokenExample,
} from '../../training/data/examples.ts';
import {
  type Preference,
  preferenceBatch,
  type PreferenceExample,
  preferenceExample,
} from '../../training/data/preferences.ts';
import { dpo } from '../../training/dpo.ts';
import { shuffle, shuffled } from '../../training/data/order.ts';
import { columnsOf, type DataRecord } from '../../training/data/row-parsers.ts';
import type { Recipe } from '../../phrases/recipe.ts';
import type { ChatMessage } from '../../tokenizer/chat-template.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import type { JsonObject } from '../../source/json.ts';
import type { TrainingData } from './data.ts';
import { labelBatches, labelsTexts } from './labels.ts';

/** Of a file, one row in twenty is held out, and no more than this. */
const heldOutAtMost = 64;

interface RowReader {
  readonly tokenizer: Tokenizer;
  readonly config: JsonObject;
  readonly most: number;
}

/**
 * Rows with `messages`, with `prompt` and `completion`, or with `text`; or preferences, with `chosen` and `rejected`,
 * texts behind a `prompt` or conversations; of a classifier, `config` says, rows with `text`, `label` and perhaps
 * `textPair`. What is longer than `most` tokens is cut.
 * @throws TransformerError FILE_*, naming the row
 */
export async function rowData(
  file: string,
  rows: readonly DataRecord[],
  { seed, batchSize }: Recipe,
  { tokenizer, config, most }: RowReader,
): Promise<TrainingData> {
  if (labelsTexts(config)) {
    const { exampleOf: labelled, batchOf } = labelBatches(tokenizer, config, most);
    return inOrder(file, await examplesOf(file, rows, labelled), { seed, batchSize, batchOf });
  }
  const limits = { ...(most < Infinity && { maxLength: most }), tooLong: 'cut' } as const;
  const { padToken = 0 } = tokenizer;
  const isPreference = ({ chosen, rejected }: DataRecord): boolean =>
    chosen !== undefined && rejected !== undefined;
  if (rows.some(isPreference)) {
    const pairs = await examplesOf(file, rows, (row) =>
      preferenceExample(tokenizer, row as unknown as Preference, limits),
    );
    const batchOf = (some: readonly PreferenceExample[]): ModelInputs =>
      preferenceBatch(some, padToken);
    const batches = await inOrder(file, pairs, { seed, batchSize, batchOf });
    return { ...batches, objective: dpo() };
  }
  const examples = await examplesOf(file, rows, (row) => exampleOf(tokenizer, row, limits));
  const batchOf = (some: readonly TokenExample[]): ModelInputs => exampleBatch(some, padToken);
  return inOrder(file, examples, { seed, batchSize, batchOf });
}

/** What is learned of each row. @throws TransformerError FILE_INVALID, naming the row */
export async function examplesOf<Example>(
  file: string,
  rows: readonly DataRecord[],
  exampleOfRow: (row: DataRecord) => Example | Promise<Example>,
): Promise<Example[]> {
  const examples: Example[] = [];
  for (const [index, row] of rows.entries()) {
    try {
      examples.push(await exampleOfRow(row));
    } catch (cause) {
      if (!(cause instanceof TransformerError)) throw cause;
      const message = `Row ${index + 1} of ${file}: ${cause.message}`;
      throw new TransformerError('FILE_INVALID', message, { cause });
    }
  }
  return examples;
}

interface BatchSettings<Example> extends Pick<Recipe, 'seed' | 'batchSize'> {
  readonly batchOf: (examples: readonly Example[]) => ModelInputs | Promise<ModelInputs>;
  /** Examples side by side of those that are held out; one when absent. */
  readonly heldOutSize?: number;
  /** What an example is; a row when absent. */
  readonly unit?: string;
}

/** Batches of examples in an order that the seed draws, and those that are held out. */
export async function inOrder<Example>(
  file: string,
  examples: readonly Example[],
  { seed, batchSize, batchOf, heldOutSize = 1, unit = 'rows' }: BatchSettings<Example>,
): Promise<TrainingData> {
  const most = Math.min(heldOutAtMost, Math.floor(examples.length / 20));
  const held = most - (most % heldOutSize);
  const order = shuffle(examples, new Random(seed));
  const training = shuffled(order.slice(held), seed);
  const count = (number: number): string => number.toLocaleString('en-US');
  const heldOutBatches: ModelInputs[] = [];
  for (let end = heldOutSize; end <= held; end += heldOutSize) {
    heldOutBatches.push(await batchOf(order.slice(end - heldOutSize, end)));
  }
  return {
    batches: (index) => {
      const numbers = Array.from({ length: batchSize }, (_, i) => batchSize * index + i);
      return batchOf(numbers.map(training));
    },
    heldOut: [],
    heldOutBatches,
    summary: `${count(examples.length - held)} ${unit} of ${file}, ${count(held)} held out`,
  };
}

function exampleOf(
  tokenizer: Tokenizer,
  row: DataRecord,
  limits: { readonly maxLength?: number; readonly tooLong: 'cut' },
): TokenExample | Promise<TokenExample> {
  const { messages, prompt, completion, text } = row;
  if (Array.isArray(messages)) return chatExample(tokenizer, messages as ChatMessage[], limits);
  if (typeof prompt === 'string' && typeof completion === 'string') {
    return completionExample(tokenizer, { prompt, completion }, limits);
  }
  if (typeof text === 'string') return textExample(tokenizer, text, limits);
  throw new TransformerError(
    'INPUT_INVALID',
    `it has ${columnsOf(row)}; wanted "messages", "prompt" and "completion", "text", or "chosen" and "rejected".`,
  );
}

/** Whether a checkpoint writes texts from texts, and is not a language model. */
export function readsPairs(config: unknown): boolean {
  return fieldOf(config, 'is_encoder_decoder') === true;
}
