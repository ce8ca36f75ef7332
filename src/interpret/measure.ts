// What is measured of a model's answer: a logit, how far it is above another, or what the caller computes.

import { fieldsOf, refuseUnknown, TransformerError } from '../runtime/errors.ts';
import { show } from '../runtime/print.ts';
import { elements } from '../runtime/tensor.ts';
import type { DenseTensor } from '../model/inputs/inputs.ts';
import type { ModelInputs } from '../model/model.ts';

/** A logit: that of a token behind a position of a text, or that of a label. */
export interface Target {
  /** The token, or the label of a classifier. */
  id: number;
  /** Another one, whose logit is taken off: the logit difference. None when absent. */
  against?: number;
  /** The position whose logits are read, from the end on where it is below 0; -1, the last, when absent. Not of labels. */
  position?: number;
}

/** A logit, or a number from the logits of one sequence: (T, V) of language models, (labels) of classifiers. */
export type Measure = Target | ((logits: DenseTensor) => number);

/** Where the logits of a target are among those of one sequence. */
export interface TargetPlace {
  /** Where the row begins. */
  readonly first: number;
  readonly id: number;
  readonly against: number | undefined;
}

/** The fields of a target, whatever the logits. */
export function checkTarget(target: Target): void {
  const { id, ...others } = Object.fromEntries(fieldsOf(target, 'The target'));
  refuseUnknown(others, ['against', 'position'], 'field of a target');
  if (!Number.isInteger(id)) {
    throw new TransformerError(
      'OPTION_INVALID',
      `id of the target is ${show(id)}; wanted the number of a token or a label.`,
    );
  }
}

/**
 * Checks a target against the logits of one sequence, of this shape.
 * @throws TransformerError OPTION_INVALID, OPTION_UNKNOWN
 */
export function placeOf(target: Target, shape: readonly number[]): TargetPlace {
  checkTarget(target);
  const width = shape.at(-1) ?? 0;
  const rows = elements(shape) / width;
  const { id, against, position = -1 } = target;
  const within = (name: string, value: unknown, from: number, end: number): number => {
    if (Number.isInteger(value) && Number(value) >= from && Number(value) < end)
      return Number(value);
    throw new TransformerError(
      'OPTION_INVALID',
      `${name} of the target is ${show(value)}; wanted a whole number from ${from} to ${end - 1}.`,
    );
  };
  const at = within('position', position, -rows, rows);
  return {
    first: (at < 0 ? at + rows : at) * width,
    id: within('id', id, 0, width),
    against: against === undefined ? undefined : within('against', against, 0, width),
  };
}

/** A measure, and the last logits of each sequence that it is of; of all where `kept` is absent. */
export interface OfLast {
  readonly measure: Measure;
  readonly kept?: number;
}

/**
 * What a measure is of the last logits alone, where a model of one stack gives some for each token. `logits`: of these
 * inputs, (1, …). Errors: as above.
 */
export function lastOf(measure: Measure, { inputIds }: ModelInputs, logits: DenseTensor): OfLast {
  const [, length = 0, width = 1] = logits.shape;
  const isOfTokens = logits.shape.length === 3 && inputIds?.[0]?.length === length;
  if (typeof measure === 'function' || !isOfTokens) return { measure };
  const position = placeOf(measure, logits.shape.slice(1)).first / width;
  return { measure: { ...measure, position: 0 }, kept: length - position };
}

/** Refuses what measures nothing, before anything is computed. Errors: OPTION_INVALID, OPTION_UNKNOWN, INPUT_INVALID. */
export function checkMeasure(measure: Measure): void {
  if (typeof measure !== 'function') checkTarget(measure);
}

/** What is measured of each sequence. logits: (B, …). Errors: as above. */
export function measured(measure: Measure, { data, shape }: DenseTensor): number[] {
  const [batch = 0, ...own] = shape;
  const size = elements(own);
  return Array.from({ length: batch }, (_, row) => {
    const logits = data.subarray(row * size, (row + 1) * size);
    if (typeof measure === 'function') return checked(measure({ data: logits, shape: own }));
    return differenceAt(placeOf(measure, own), logits);
  });
}

/** The target of one sequence of (B, …) logits. Errors: as above. */
export function targetOf(target: Target, { data, shape }: DenseTensor, sequence: number): number {
  const own = shape.slice(1);
  const size = elements(own);
  const logits = data.subarray(sequence * size, (sequence + 1) * size);
  return differenceAt(placeOf(target, own), logits);
}

function differenceAt({ first, id, against }: TargetPlace, logits: Float32Array): number {
  const taken = against === undefined ? 0 : (logits[first + against] ?? NaN);
  return (logits[first + id] ?? NaN) - taken;
}

function checked(value: unknown): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new TransformerError(
    'OPTION_INVALID',
    `The measure gave ${show(value)}; wanted a finite number from the logits of one sequence.`,
  );
}
