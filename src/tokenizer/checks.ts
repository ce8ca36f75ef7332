// What callers pass to a tokenizer, checked before anything is done with it.

import { TransformerError } from '../runtime/errors.ts';
import { show } from '../source/json.ts';

/** Errors: INPUT_INVALID for what is no list of numbers. */
export function idList(tokenIds: readonly number[]): readonly number[] {
  const list: unknown = tokenIds;
  const isView = ArrayBuffer.isView(list) && !(list instanceof DataView);
  // A hole is no number.
  const ids = Array.isArray(list) || isView ? Array.from<unknown>(tokenIds) : [undefined];
  if (ids.every((id) => typeof id === 'number')) return ids;
  throw new TransformerError(
    'INPUT_INVALID',
    `The token ids are ${list === undefined ? 'missing' : show(list)}; wanted an array of whole numbers.`,
  );
}

export function checkBoolean(name: string, value: unknown): void {
  if (typeof value === 'boolean') return;
  throw new TransformerError('OPTION_INVALID', `${name} is ${show(value)}; wanted true or false.`);
}

/** Errors: OPTION_INVALID. `added` is the number of special tokens. */
export function checkWindows(
  added: number,
  maxLength: number,
  stride: number,
  truncate: string,
): void {
  if (!['first', 'second', 'longest'].includes(truncate)) {
    throw new TransformerError(
      'OPTION_INVALID',
      `truncate is ${show(truncate)}; wanted "first", "second" or "longest".`,
    );
  }
  const isLength = maxLength === Infinity || Number.isSafeInteger(maxLength);
  if (!isLength || maxLength <= added || !Number.isSafeInteger(stride) || stride < 0) {
    throw new TransformerError(
      'OPTION_INVALID',
      `maxLength is ${show(maxLength)} and stride ${show(stride)}; wanted a length of more than ` +
        `the ${added} special tokens, and a whole number of tokens that windows share.`,
    );
  }
}

/** One text or two: an empty second one counts as none, as in transformers. Errors: INPUT_INVALID. */
export function checkTexts(text: unknown, pair: unknown): string[] {
  const isOne = pair === undefined || pair === null || pair === '';
  const texts: unknown[] = isOne ? [text] : [text, pair];
  return texts.map((one) => {
    if (typeof one === 'string') return one;
    throw new TransformerError(
      'INPUT_INVALID',
      `The tokenizer was given no text${one === undefined ? '' : ` but ${show(one)}`}. Pass a string.`,
    );
  });
}
