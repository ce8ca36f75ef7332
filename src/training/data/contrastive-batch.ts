// Texts that belong together, as one batch for the `contrastive` objective.

import { fieldsOf, refuseUnknown, TransformerError } from '../../runtime/errors.ts';
import { show } from '../../runtime/print.ts';
import type { ModelInputs } from '../../model/model.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import { checkTexts, checkWhole } from '../check.ts';
import { filledRows, maskOfRows } from './filled-rows.ts';

/** A text, one that belongs to it, and others that do not. */
export interface ContrastiveExample {
  /** A text, such as a question. */
  readonly anchor: string;
  /** What belongs to it. */
  readonly positive: string;
  /** What does not, although it is near. */
  readonly negatives?: readonly string[];
}

/** How texts become a batch. */
export interface ContrastiveBatchOptions {
  /** Tokens at most, the first of which are read; as many as there are when absent. */
  maxLength?: number;
}

/**
 * All anchors, then all positives, then the first negative of each, and so on: (columns · N, T), padded on the right.
 * Each example has as many negatives as the others.
 * @throws TransformerError INPUT_INVALID, OPTION_*
 */
export function contrastiveBatch(
  tokenizer: Tokenizer,
  examples: readonly ContrastiveExample[],
  options: ContrastiveBatchOptions = {},
): ModelInputs {
  refuseUnknown(options, ['maxLength'], 'option of contrastiveBatch');
  const { maxLength } = options;
  if (maxLength !== undefined) checkWhole('maxLength', maxLength, 1);
  const rows = columnsOf(tokenizer, examples).flat();
  const ids = rows.map((text) =>
    maxLength === undefined
      ? tokenizer.encoding(text).ids
      : tokenizer.encodingCut(text, undefined, { maxLength, truncate: 'longest' }).ids,
  );
  return { inputIds: filledRows(ids, tokenizer.padToken ?? 0), attentionMask: maskOfRows(ids) };
}

/** The anchors of all examples, their positives, and each of their negatives. */
function columnsOf(tokenizer: Tokenizer, examples: readonly ContrastiveExample[]): string[][] {
  const list = Array.isArray(examples) ? Array.from<unknown>(examples) : [];
  const rows = list.map((example, index) => {
    const fields = Object.fromEntries(fieldsOf(example, `Example ${index}`));
    const { anchor, positive, negatives = [] } = fields;
    if (!Array.isArray(negatives)) throw unlike(index, example);
    const texts = [anchor, positive, ...Array.from<unknown>(negatives)];
    checkTexts(tokenizer, Object.fromEntries(texts.map((text, i) => [nameOf(i), text])));
    return texts as string[];
  });
  const [first] = rows;
  if (first === undefined || rows.length < 2) {
    throw new TransformerError(
      'INPUT_INVALID',
      `A batch of ${rows.length} examples leaves nothing to tell apart. Pass at least two.`,
    );
  }
  const other = rows.findIndex((row) => row.length !== first.length);
  if (other !== -1) throw unlike(other, list[other]);
  return first.map((_, column) => rows.map((row) => row[column] ?? ''));
}

function nameOf(column: number): string {
  return ['anchor', 'positive'][column] ?? `negative ${column - 2}`;
}

function unlike(index: number, example: unknown): TransformerError {
  return new TransformerError(
    'INPUT_INVALID',
    `Example ${index} is ${show(example)}; wanted { anchor, positive, negatives }, as many negatives as the first has.`,
  );
}
