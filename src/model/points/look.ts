// What a call asks for at named points, checked: which activations it reads, and what it puts in their place.

import { fieldOf, refuseUnknown, requireObject, TransformerError } from '../../runtime/errors.ts';
import { isListOf } from '../../runtime/lists.ts';
import type { Points } from '../../runtime/points.ts';
import { show } from '../../runtime/print.ts';
import type { DenseTensor } from '../inputs/inputs.ts';
import { pointsNamed } from './point-names.ts';
import type { ModelPoint, PointEdit, PointOptions } from './point-options.ts';
import { isByKey, type SizesOf, stackOf } from './point-shapes.ts';
import { Tapped } from './tapped.ts';
import { type CheckedValue, isHeld, valueOf } from './point-values.ts';

/** An edit of one point. */
export interface CheckedEdit {
  readonly name: string;
  /** The axes of the activation in this call; Infinity where they grow. */
  readonly shape: readonly number[];
  /** What is kept of the activation, and the factor of the value. */
  readonly keep: number;
  readonly factor: number;
  readonly value: CheckedValue;
  /** Whether nothing of the activation stays. */
  readonly isWhole: boolean;
  /** Where it acts; everywhere when absent. */
  readonly sequences: readonly number[] | undefined;
  readonly positions: readonly number[] | undefined;
  readonly heads: readonly number[] | undefined;
}

/** A point to read, and what the caller calls it. */
interface Capture {
  readonly name: string;
  readonly as: string;
}

export class Look {
  readonly captures: readonly Capture[];
  readonly edits: readonly CheckedEdit[];
  /** What a list is recorded for: which points, and not which numbers; undefined where there are none. */
  readonly key: string | undefined;
  /** Whether it brings activations of each token: then a list is recorded for the tokens that there are, and pads none. */
  readonly isExact: boolean;

  constructor(captures: readonly Capture[], edits: readonly CheckedEdit[]) {
    this.captures = captures;
    this.edits = edits;
    const read = [...new Set(captures.map(({ name }) => name))];
    const changed = edits.map(({ name, value, isWhole }) => [name, value.each, isWhole] as const);
    this.isExact = edits.some(({ value }) => value.each);
    if (read.length + changed.length > 0) this.key = JSON.stringify([read, changed]);
  }

  /** The points of a list, whose others are `base`. */
  tap(base: Points): Tapped {
    return new Tapped(this, base);
  }

  /** What was captured, under the names that this call has for it. */
  named(captured: Readonly<Record<string, DenseTensor>>): Record<string, DenseTensor> {
    const all = this.captures.flatMap(({ name, as }) => {
      const tensor = captured[name];
      return tensor === undefined ? [] : [[as, tensor] as const];
    });
    return Object.fromEntries(all);
  }
}

/**
 * Checks what a call asks for. `points`: those of the model; `sizesOf`: how large its stacks are in this call.
 * @throws TransformerError OPTION_INVALID, OPTION_UNKNOWN
 */
export function lookOf(
  { capture = [], edit = [] }: PointOptions,
  points: readonly ModelPoint[],
  sizesOf: SizesOf,
): Look {
  if (!isListOf(capture, isName)) {
    throw invalid(`capture is ${show(capture)}; wanted an array of names of points.`);
  }
  if (!isListOf(edit, (one) => typeof one === 'object' && one !== null)) {
    throw invalid(`edit is ${show(edit)}; wanted an array of edits: [{ at, add }, …].`);
  }
  const captures = capture.flatMap((given) => capturesOf(given, points));
  return new Look(
    captures,
    (edit as readonly PointEdit[]).flatMap((one) => editsOf(one, points, sizesOf)),
  );
}

function isName(value: unknown): value is string {
  return typeof value === 'string';
}

function capturesOf(given: string, points: readonly ModelPoint[]): Capture[] {
  const { found, head } = pointsNamed(given, points);
  if (head !== undefined) {
    throw invalid(
      `capture has ${show(given)}; heads are read together: capture ${found[0]?.name ?? ''}.`,
    );
  }
  const isPattern = given.includes('*');
  return found.map(({ name }) => ({ name, as: isPattern ? name : given }));
}

const fields = [
  'at',
  'add',
  'replace',
  'from',
  'scale',
  'sequences',
  'positions',
  'heads',
] as const satisfies (keyof PointEdit)[];

function editsOf(edit: PointEdit, points: readonly ModelPoint[], sizesOf: SizesOf): CheckedEdit[] {
  requireObject(edit, 'An edit');
  refuseUnknown(edit, fields, 'field of an edit');
  const { at, add, scale } = edit;
  if (typeof at !== 'string') throw invalid(`at is ${show(at)}; wanted the name of a point.`);
  if (scale !== undefined && !isHeld(scale)) {
    throw invalid(`scale is ${show(scale)}; wanted a number.`);
  }
  const given = (['add', 'replace', 'from'] as const).filter((name) => edit[name] !== undefined);
  const [what] = given;
  if (given.length > 1 || (what === undefined && scale === undefined)) {
    const got = given.length > 1 ? given.join(' and ') : 'nothing';
    throw invalid(
      `The edit at ${show(at)} has ${got} to do. Pass one of add, replace and from, or scale alone.`,
    );
  }
  const { found, head } = pointsNamed(at, points);
  return found.map(({ name, shape }) => {
    const own = sizedFor(name, shape, sizesOf);
    const headAxis = headAxisOf(name, shape);
    const ranged = (field: 'sequences' | 'positions' | 'heads', end: number | undefined) =>
      indices(edit[field], end, `${field} of the edit at ${name}`);
    const heads = head === undefined ? edit.heads : [head];
    if (heads !== undefined && headAxis === undefined) {
      throw invalid(`${name} has no heads. Leave heads out, or edit the heads of the layer.`);
    }
    const value = what === 'from' ? capturedAt(edit.from, name) : what ? edit[what] : 0;
    if (own.at(-1) === Infinity) {
      throw invalid(
        `${name} is not there while tokens are generated: attention is fused. Edit the values or the heads of the layer.`,
      );
    }
    const keep = add !== undefined ? 1 : what ? 0 : (scale ?? 1);
    const factor = what ? (scale ?? 1) : 0;
    const checked = valueOf(value, own, `${what ?? 'scale'} of the edit at ${name}`);
    const where = {
      sequences: ranged('sequences', own[0]),
      positions: ranged('positions', own.length > 2 ? own[isByKey(name) ? 2 : 1] : 1),
      heads: indices(heads, headAxis, `heads of the edit at ${name}`),
    };
    const isEverywhere = Object.values(where).every((chosen) => chosen === undefined);
    const isWhole = checked.each && keep === 0 && factor === 1 && isEverywhere;
    return { name, shape: own, keep, factor, value: checked, isWhole, ...where };
  });
}

/** A point's axes in a call. */
function sizedFor(name: string, shape: ModelPoint['shape'], sizesOf: SizesOf): number[] {
  const { batch, length } = sizesOf(stackOf(name));
  return shape.map((size) => {
    if (typeof size === 'number') return size;
    if (size === 'B') return batch;
    return size === 'T' ? length : sizesOf('encoder').length;
  });
}

/** How many heads it has. */
function headAxisOf(name: string, shape: ModelPoint['shape']): number | undefined {
  if (shape.length !== 4) return undefined;
  const heads = shape[isByKey(name) ? 1 : 2];
  return typeof heads === 'number' ? heads : undefined;
}

/** What another call has captured, at this point or as a whole. */
function capturedAt(from: unknown, name: string): unknown {
  const isWhole = fieldOf(from, 'data') !== undefined;
  const tensor = isWhole ? from : fieldOf(from, name);
  if (tensor !== undefined) return tensor;
  throw invalid(
    `from of the edit at ${name} is ${show(from)}; wanted what another call has captured there: ` +
      'a tensor, or all that it captured.',
  );
}

/** Whole numbers below an end. */
function indices(
  given: unknown,
  end: number | undefined,
  what: string,
): readonly number[] | undefined {
  if (given === undefined) return undefined;
  const fits = (index: unknown): index is number =>
    Number.isSafeInteger(index) && Number(index) >= 0 && Number(index) < (end ?? 0);
  if (isListOf(given, fits)) return given;
  const most = end === Infinity ? 'whole numbers from 0 on' : `whole numbers below ${end ?? 0}`;
  throw invalid(`The ${what} are ${show(given)}; wanted an array of ${most}.`);
}

function invalid(message: string): TransformerError {
  return new TransformerError('OPTION_INVALID', message);
}
