// Rows of a file as what a language model or a classifier of texts learns from.

import { TransformerError } from '../../index.node.ts';
import { fieldOf } from '../../runtime/errors.ts';
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
  preferenceExample,
} from '../../training/data/preferences.ts';
import { dpo } from '../../training/dpo.ts';
import { columnsOf, type DataRecord } from '../../training/data/row-parsers.ts';
import type { ChatMessage } from '../../tokenizer/chat-template.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import type { JsonObject } from '../../source/json.ts';
import { type ExampleSet, exampleSet } from './example-set.ts';
import { labelBatches, labelsTexts } from './labels.ts';

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
export async function rowExamples(
  file: string,
  rows: readonly DataRecord[],
  { tokenizer, config, most }: RowReader,
): Promise<ExampleSet> {
  if (labelsTexts(config)) {
    const { exampleOf: labelled, batchOf } = labelBatches(tokenizer, config, most);
    return exampleSet(file, await examplesOf(file, rows, labelled), batchOf);
  }
  const limits = { ...(most < Infinity && { maxLength: most }), tooLong: 'cut' } as const;
  const { padToken = 0 } = tokenizer;
  const isPreference = ({ chosen, rejected }: DataRecord): boolean =>
    chosen !== undefined && rejected !== undefined;
  if (rows.some(isPreference)) {
    const pairs = await examplesOf(file, rows, (row) =>
      preferenceExample(tokenizer, row as unknown as Preference, limits),
    );
    return exampleSet(file, pairs, (some) => preferenceBatch(some, padToken), { objective: dpo() });
  }
  const examples = await examplesOf(file, rows, (row) => exampleOf(tokenizer, row, limits));
  return exampleSet(file, examples, (some) => exampleBatch(some, padToken));
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
