// What the functions of training check of the values that they are given.

import { hasMethod, isA, TransformerError } from '../runtime/errors.ts';
import { isListOf } from '../runtime/lists.ts';
import { show } from '../runtime/print.ts';
import type { Model } from '../model/model.ts';
import type { TrainableModel } from '../model/trainable-model.ts';

/** The error of an option with a wrong value. */
export function invalidOption(name: string, value: unknown, wanted: string): TransformerError {
  return new TransformerError('OPTION_INVALID', `${name} is ${show(value)}; wanted ${wanted}.`);
}

/** A number from `least` to below `end`. Errors: OPTION_INVALID. */
export function checkRange(name: string, value: unknown, least: number, end: number): void {
  if (typeof value === 'number' && value >= least && value < end) return;
  const to = end === Infinity ? ' on' : ` to below ${end}`;
  throw invalidOption(name, value, `a number from ${least}${to}`);
}

/** A finite number above 0. Errors: OPTION_INVALID. */
export function checkPositive(name: string, value: unknown): void {
  if (Number.isFinite(value) && Number(value) > 0) return;
  throw invalidOption(name, value, 'a number above 0');
}

/** A whole number that 32 bits hold. Errors: OPTION_INVALID. */
export function checkWhole(name: string, value: unknown, least: number): number {
  const isWhole = Number.isSafeInteger(value) && Number(value) >= least;
  if (isWhole && Number(value) < 2 ** 32) return Number(value);
  throw invalidOption(name, value, `a whole number of at least ${least}`);
}

/** True or false. Errors: OPTION_INVALID. */
export function checkSwitch(name: string, value: unknown): void {
  if (typeof value === 'boolean') return;
  throw invalidOption(name, value, 'true or false');
}

/** Names of tensors, or one of these words. Errors: OPTION_INVALID. */
export function checkPatterns(name: string, value: unknown, words: readonly string[] = []): void {
  const isPattern = (each: unknown): boolean => typeof each === 'string' || isA(each, RegExp);
  if (value === undefined || words.some((word) => word === value)) return;
  if (isListOf(value, isPattern)) return;
  const wanted = [...words.map((word) => `'${word}'`), 'a list of names, [ … ]'].join(' or ');
  throw invalidOption(name, value, wanted);
}

/** What trains of a model that `loadModel` gave. Errors: INPUT_INVALID; MODEL_UNSUPPORTED, DISPOSED. */
export function trainableOf(name: string, value: Model): TrainableModel {
  if (hasMethod(value, 'trainable')) return value.trainable();
  throw new TransformerError(
    'INPUT_INVALID',
    `${name} is ${show(value)}; wanted a model. Pass what loadModel resolves with.`,
  );
}

/** A tokenizer, and what it reads. Errors: INPUT_INVALID. */
export function checkTexts(tokenizer: unknown, texts: Readonly<Record<string, unknown>>): void {
  if (!hasMethod(tokenizer, 'encoding')) {
    throw new TransformerError(
      'INPUT_INVALID',
      `The tokenizer is ${show(tokenizer)}; wanted what loadTokenizer resolves with.`,
    );
  }
  for (const [name, text] of Object.entries(texts)) {
    if (typeof text === 'string') continue;
    throw new TransformerError('INPUT_INVALID', `The ${name} is ${show(text)}; wanted a string.`);
  }
}

/** What batches can be read from, one after the other. Errors: INPUT_INVALID. */
export function checkBatches(value: unknown, others: string = ''): void {
  if ([Symbol.iterator, Symbol.asyncIterator].some((name) => hasMethod(value, name))) return;
  throw new TransformerError(
    'INPUT_INVALID',
    `Batches come from an iterable${others}. Put a single batch in [ ].`,
  );
}

export function disposedTrainer(): TransformerError {
  return new TransformerError('DISPOSED', 'This trainer was disposed. Make a new one.');
}

export function busyTrainer(): TransformerError {
  return new TransformerError(
    'INPUT_INVALID',
    'This trainer is in a loop of steps already. End that loop first.',
  );
}
