// What the functions of this entry check of models and tensors that they are given.

import { fieldOf, hasMethod, isA, TransformerError } from '../runtime/errors.ts';
import { isListOf } from '../runtime/lists.ts';
import { show } from '../runtime/print.ts';
import { elements } from '../runtime/tensor.ts';
import type { DenseTensor } from '../model/inputs/inputs.ts';
import type { Model } from '../model/model.ts';
import type { ModelPoint } from '../model/points/point-options.ts';
import { invalidOption } from '../training/check.ts';

/** The points of a model. Errors: INPUT_INVALID where it is none; DISPOSED. */
export async function pointsOf(model: Model): Promise<ModelPoint[]> {
  if (hasMethod(model, 'points')) return model.points();
  throw new TransformerError(
    'INPUT_INVALID',
    `The model is ${show(model)}; wanted what loadModel resolves with.`,
  );
}

/** A whole number from 1 to `most`. Errors: OPTION_INVALID. */
export function checkCount(name: string, value: unknown, most: number): void {
  if (Number.isInteger(value) && Number(value) >= 1 && Number(value) <= most) return;
  throw invalidOption(name, value, `a whole number from 1 to ${most}`);
}

/** Whether something is a tensor: as many numbers as its shape says, all of them finite. */
export function isTensor(given: unknown): given is DenseTensor {
  const [data, shape] = [fieldOf(given, 'data'), fieldOf(given, 'shape')];
  const isSize = (size: unknown): boolean => Number.isSafeInteger(size) && Number(size) > 0;
  if (!isA(data, Float32Array) || !isListOf(shape, isSize)) return false;
  return data.length === elements(shape as readonly number[]) && data.every(Number.isFinite);
}

/** @throws TransformerError INPUT_INVALID; `wanted`: `of shape (B, T)`, say */
export function checkTensor(
  what: string,
  given: unknown,
  wanted: string,
  fits: (shape: readonly number[]) => boolean,
): asserts given is DenseTensor {
  if (isTensor(given) && fits(given.shape)) return;
  const shape = isTensor(given) ? ` of shape (${given.shape.join(', ')})` : '';
  throw new TransformerError(
    'INPUT_INVALID',
    `${what} is ${show(given)}${shape}; wanted a tensor of finite numbers ${wanted}.`,
  );
}
