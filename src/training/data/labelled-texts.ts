// Texts, or pairs of them, with what a classifier shall tell of each.

import { fieldsOf, refuseUnknown, TransformerError } from '../../runtime/errors.ts';
import { isListOf } from '../../runtime/lists.ts';
import { show } from '../../runtime/print.ts';
import type { ModelInputs } from '../../model/model.ts';
import type { Encoding } from '../../tokenizer/template.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import { checkTexts, checkWhole, invalidOption } from '../check.ts';
import { filledRows, maskOfRows } from './filled-rows.ts';

/** A text, or two that are judged together. */
export interface LabelledText {
  /** The text. */
  readonly text: string;
  /** A second text, of classifiers of pairs. */
  readonly textPair?: string;
  /** A class, by number or by name; a number to come near to; or flags, a number each. */
  readonly label: number | string | readonly number[];
}

/** How labelled texts become a batch. */
export interface LabelledBatchOptions {
  /** The names of the classes, in their order, where labels are names. */
  labels?: readonly string[];
  /** Tokens at most, the first of which are read, of two texts more of the shorter; as many as there are when absent. */
  maxLength?: number;
}

/**
 * Texts as one batch of a classifier, (B, T), padded on the right, with their labels.
 * @throws TransformerError INPUT_INVALID, OPTION_*
 */
export function labelledBatch(
  tokenizer: Tokenizer,
  examples: readonly LabelledText[],
  options: LabelledBatchOptions = {},
): ModelInputs {
  refuseUnknown(options, ['labels', 'maxLength'], 'option of labelledBatch');
  const { labels: names = [], maxLength } = options;
  if (!isListOf(names, (name) => typeof name === 'string')) {
    throw invalidOption('labels', names, 'a list of names');
  }
  if (maxLength !== undefined) checkWhole('maxLength', maxLength, 1);
  if (!Array.isArray(examples) || examples.length === 0) {
    throw new TransformerError(
      'INPUT_INVALID',
      `A batch needs at least one labelled text, but got ${show(examples)}. Pass [{ text, label }].`,
    );
  }
  const rows = Array.from<unknown>(examples).map((example, index) =>
    rowOf(tokenizer, example, { index, names, maxLength }),
  );
  const [ids, typeIds] = [rows.map((row) => row.ids), rows.map((row) => row.typeIds)];
  return {
    inputIds: filledRows(ids, tokenizer.padToken ?? 0),
    attentionMask: maskOfRows(ids),
    // All zeros are what models take without.
    ...(typeIds.flat().includes(1) && { tokenTypeIds: filledRows(typeIds, 0) }),
    labels: rows.map(({ label }) => label) as number[] | number[][],
  };
}

interface Place {
  readonly index: number;
  readonly names: readonly string[];
  readonly maxLength: number | undefined;
}

type Row = Pick<Encoding, 'ids' | 'typeIds'> & { readonly label: number | readonly number[] };

function rowOf(tokenizer: Tokenizer, example: unknown, { index, names, maxLength }: Place): Row {
  const fields = Object.fromEntries(fieldsOf(example, `Example ${index}`));
  const { text, textPair, label } = fields;
  const texts = { text, ...(textPair !== undefined && { textPair }) };
  checkTexts(tokenizer, texts);
  const pair = textPair as string | undefined;
  const { ids, typeIds } =
    maxLength === undefined
      ? tokenizer.encoding(text as string, pair)
      : tokenizer.encodingCut(text as string, pair, { maxLength, truncate: 'longest' });
  const found = typeof label === 'string' ? names.indexOf(label) : label;
  const isNumber = (value: unknown): value is number => Number.isFinite(value);
  if (found !== -1 && (isNumber(found) || isListOf(found, isNumber))) {
    return { ids, typeIds, label: found };
  }
  throw new TransformerError(
    'INPUT_INVALID',
    `The label of example ${index} is ${show(label ?? null)}; wanted ` +
      `${names.length === 0 ? 'a class by its number' : `one of ${names.map((name) => show(name)).join(', ')}`}, a number, or flags.`,
  );
}
