// Which parameters train, and which of them decay: by the names the checkpoint gives them.

import { fitting } from '../model/weights/name-pattern.ts';
import { nearestName, TransformerError } from '../runtime/errors.ts';
import { show } from '../runtime/print.ts';
import { elements, type Tensor } from '../runtime/tensor.ts';
import type { Linear } from '../model/weights/linear-weights.ts';
import { type Parameters, type WeightSlice, rangesIn } from '../model/weights/parameters.ts';

/** A name with `*` for any run of characters, or a regular expression. */
export type NamePattern = string | RegExp;

export interface TrainableOptions {
  /** Tensors that stay as they are. */
  readonly freeze?: readonly NamePattern[];
  /** What weight decay shrinks: matrices only (default), everything, or the tensors of these names. */
  readonly decay?: 'matrices' | 'all' | readonly NamePattern[];
}

export interface TrainableSettings extends TrainableOptions {
  /** Weights that have no part in the loss. */
  readonly unused?: readonly Tensor[];
}

export interface Trainable {
  /** The parameters in which at least one element trains. */
  readonly wanted: readonly Tensor[];
  /** For each segment, a byte an element: bit 0 trains, bit 1 decays; padding has neither. */
  readonly flags: readonly Uint8Array<ArrayBuffer>[];
  /** Elements that train. */
  readonly count: number;
}

/** What a weight is brought within: ±limit. */
export interface WeightLimit {
  readonly weight: Tensor;
  readonly limit: number;
}

/** The weights of layers that are brought within bounds as they are trained. */
export function limitsOf(linears: readonly Linear[]): WeightLimit[] {
  return linears.flatMap(({ weight, limit }) => (limit === undefined ? [] : [{ weight, limit }]));
}

const trains = 1;
const decays = 2;

/** Applies the patterns. @throws TransformerError OPTION_INVALID for patterns that match nothing */
export function selectTrainable(
  { segments, places, slices }: Parameters,
  { freeze = [], decay = 'matrices', unused = [] }: TrainableSettings,
): Trainable {
  const frozen = matcher('freeze', freeze, slices);
  const shrinks =
    decay === 'all'
      ? () => true
      : decay === 'matrices'
        ? ({ name, shape }: WeightSlice) =>
            shape.filter((size) => size > 1).length > 1 && !name.endsWith('bias')
        : matcher('decay', decay, slices);
  const flags = segments.map((segment) => new Uint8Array(elements(segment.shape)));
  const rangesOf = rangesIn(places);
  const wanted = new Set<Tensor>();
  let count = 0;
  for (const slice of slices) {
    const ranges = rangesOf(slice);
    if (ranges.length === 0 || unused.includes(slice.tensor) || frozen(slice)) continue;
    for (const { segment, first, size } of ranges) {
      flags[segment]?.fill(trains | (shrinks(slice) ? decays : 0), first, first + size);
    }
    wanted.add(slice.tensor);
    count += slice.size;
  }
  if (count === 0) {
    throw new TransformerError(
      'OPTION_INVALID',
      'Every parameter is frozen, so there is nothing to train. Freeze fewer of them.',
    );
  }
  return { wanted: [...wanted], flags, count };
}

/** Whether a name fits one of the patterns; each pattern must fit at least one tensor. */
export function matcher(
  option: string,
  patterns: readonly NamePattern[],
  slices: readonly { readonly name: string }[],
): (slice: { readonly name: string }) => boolean {
  const tests = patterns.map(testOf);
  const names = [...new Set(slices.map(({ name }) => name))];
  for (const [index, test] of tests.entries()) {
    if (names.some(test)) continue;
    const pattern = String(patterns[index]);
    const nearest = nearestName(pattern, names);
    throw new TransformerError(
      'OPTION_INVALID',
      `${option}: no parameter has a name like ${show(pattern)}.` +
        (nearest === undefined
          ? ` One of them is "${names[0] ?? ''}".`
          : ` Did you mean "${nearest}"?`),
    );
  }
  return ({ name }) => tests.some((test) => test(name));
}

/** What tells whether a name fits a pattern. */
export function testOf(pattern: NamePattern): (name: string) => boolean {
  if (pattern instanceof RegExp) {
    // The flags `g` and `y` would make `test` remember where it stopped.
    const expression = new RegExp(pattern.source, pattern.flags.replaceAll(/[gy]/g, ''));
    return (name) => expression.test(name);
  }
  return fitting(pattern);
}
