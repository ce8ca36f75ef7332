// How well objects are found: average precision as COCO counts it, "Microsoft COCO: Common Objects in Context" (Lin et
// al., 2014, arXiv 1405.0312) and pycocotools' COCOeval, over objects of all sizes.

import { fieldOf } from '../runtime/errors.ts';
import { show } from '../runtime/print.ts';
import { checkArray, inputInvalid, kindOf } from './check.ts';

/** Where an object is, from the top left corner on, in one unit for all boxes of an image: pixels, say. */
export interface ObjectBox {
  /** The left edge. */
  readonly xmin: number;
  /** The upper edge. */
  readonly ymin: number;
  /** The right edge. */
  readonly xmax: number;
  /** The lower edge. */
  readonly ymax: number;
}

/** An object that is there. */
export interface GroundTruthObject {
  /** What it is: a class by number or by name. */
  readonly label: number | string;
  /** Where it is. */
  readonly box: ObjectBox;
}

/** An object that was found, as pipelines of `object-detection` give it. */
export interface FoundObject extends GroundTruthObject {
  /** How sure the model is; more is surer. */
  readonly score: number;
}

/** How well objects are found. Each of them is 0 to 1, and NaN where there is no object to find. */
export interface AveragePrecision {
  /** The mean over classes that there are and over overlaps of 0.5, 0.55, … 0.95 that make a box right. */
  readonly map: number;
  /** The mean over classes, where an overlap of 0.5 makes a box right. */
  readonly map50: number;
  /** The same of 0.75. */
  readonly map75: number;
  /** Objects that there are. */
  readonly total: number;
}

const name = 'averagePrecision';

/** Intersection over union from which on a box is right; in the steps of numpy's `linspace(0.5, 0.95, 10)`. */
const overlaps = Array.from({ length: 10 }, (_, i) => (i === 9 ? 0.95 : 0.5 + (i * 0.45) / 9));

/** Shares of the objects at which precision is read, as numpy's `linspace(0, 1, 101)`. */
const recalls = Array.from({ length: 101 }, (_, i) => (i === 100 ? 1 : i * 0.01));

/** Of a class, so many boxes of an image count at most, the surest. */
const most = 100;

/**
 * Average precision of the objects found in each image, beside those that there are. Of a class, boxes are taken from the
 * surest on, and each stands for the free object of its image that it overlaps most, if that is enough; precision is read at
 * 101 shares of the objects, and is that of the best share from there on. Errors: INPUT_INVALID.
 * @example
 * const box = { xmin: 10, ymin: 10, xmax: 50, ymax: 40 };
 * const found = [[{ label: 'cat', score: 0.9, box: { ...box, xmax: 47 } }]];
 * averagePrecision(found, [[{ label: 'cat', box }]]); // { map: 0.9, map50: 1, map75: 1, total: 1 }
 */
export function averagePrecision(
  predictions: readonly (readonly FoundObject[])[],
  references: readonly (readonly GroundTruthObject[])[],
): AveragePrecision {
  const [found, right] = pairImages(predictions, references);
  const classes = new Set(right.flatMap((objects) => objects.map(({ label }) => label)));
  const byClass = [...classes].map((label) => {
    const ofClass = <One extends GroundTruthObject>(objects: readonly One[]): readonly One[] =>
      objects.filter((one) => one.label === label);
    return precisions(found.map(ofClass), right.map(ofClass));
  });
  const meanAt = (index: number): number => mean(byClass.map((values) => values[index] ?? NaN));
  return {
    map: mean(overlaps.map((_, index) => meanAt(index))),
    map50: meanAt(0),
    map75: meanAt(5),
    total: right.flat().length,
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Average precision of a class at each overlap. */
function precisions(
  found: readonly (readonly FoundObject[])[],
  right: readonly (readonly GroundTruthObject[])[],
): number[] {
  const total = right.flat().length;
  const judged = found.flatMap((objects, image) => judge(objects, right[image] ?? []));
  const order = judged.toSorted((a, b) => b.score - a.score);
  return overlaps.map((_, index) => {
    let hits = 0;
    const curve = order.map(({ isRight }, before) => {
      hits += isRight[index] === true ? 1 : 0;
      return { recall: hits / total, precision: hits / (before + 1) };
    });
    // What is told with more boxes and better counts for fewer of them, too.
    for (let i = curve.length - 2; i >= 0; i--) {
      const [here, next] = [curve[i], curve[i + 1]];
      if (here && next && next.precision > here.precision) here.precision = next.precision;
    }
    let at = 0;
    const read = recalls.map((share) => {
      while (at < curve.length && (curve[at]?.recall ?? 1) < share) at += 1;
      return curve[at]?.precision ?? 0;
    });
    return mean(read);
  });
}

/** Which of the surest boxes of an image are right, at each overlap. */
function judge(
  found: readonly FoundObject[],
  right: readonly GroundTruthObject[],
): { readonly score: number; readonly isRight: readonly boolean[] }[] {
  const surest = found.toSorted((a, b) => b.score - a.score).slice(0, most);
  const shares = surest.map(({ box }) => right.map((object) => overlapOf(box, object.box)));
  const taken = overlaps.map(() => new Set<number>());
  return surest.map(({ score }, i) => ({
    score,
    isRight: overlaps.map((least, index) => {
      const free = taken[index] ?? new Set<number>();
      let [best, own] = [least, -1];
      for (const [object, share] of (shares[i] ?? []).entries()) {
        if (free.has(object) || share < best) continue;
        [best, own] = [share, object];
      }
      if (own >= 0) free.add(own);
      return own >= 0;
    }),
  }));
}

/** Intersection over union. */
function overlapOf(a: ObjectBox, b: ObjectBox): number {
  const wide = Math.min(a.xmax, b.xmax) - Math.max(a.xmin, b.xmin);
  const tall = Math.min(a.ymax, b.ymax) - Math.max(a.ymin, b.ymin);
  if (wide <= 0 || tall <= 0) return 0;
  const both = wide * tall;
  return both / (areaOf(a) + areaOf(b) - both);
}

function areaOf({ xmin, ymin, xmax, ymax }: ObjectBox): number {
  return (xmax - xmin) * (ymax - ymin);
}

function pairImages(
  predictions: unknown,
  references: unknown,
): [FoundObject[][], GroundTruthObject[][]] {
  const found = checkArray(name, 'predictions', predictions);
  const right = checkArray(name, 'references', references);
  if (found.length !== right.length) {
    const counts = `predictions of ${found.length} images and references of ${right.length}`;
    throw inputInvalid(name, `got ${counts}; wanted as many of both`);
  }
  if (found.length === 0) throw inputInvalid(name, 'got no images. Pass at least one');
  const objectsOf = (list: readonly unknown[], of: string): GroundTruthObject[][] =>
    list.map((image, i) =>
      checkArray(name, `${of}[${i}]`, image).map((one, k) => checkObject(`${of}[${i}][${k}]`, one)),
    );
  const all = objectsOf(found, 'predictions').map((objects, i) =>
    objects.map((object, k): FoundObject => {
      const score = fieldOf((found[i] as readonly unknown[])[k], 'score');
      if (typeof score === 'number' && !Number.isNaN(score)) return { ...object, score };
      const where = `predictions[${i}][${k}].score`;
      throw inputInvalid(name, `${where} is ${kindOf(score)}; wanted a number`);
    }),
  );
  return [all, objectsOf(right, 'references')];
}

const corners = ['xmin', 'ymin', 'xmax', 'ymax'] as const;

function checkObject(where: string, given: unknown): GroundTruthObject {
  const label = fieldOf(given, 'label');
  if (typeof label !== 'string' && !(typeof label === 'number' && Number.isFinite(label))) {
    throw inputInvalid(name, `${where}.label is ${kindOf(label)}; wanted a number or a name`);
  }
  const box = fieldOf(given, 'box');
  const [xmin, ymin, xmax, ymax] = corners.map((corner) => fieldOf(box, corner));
  if (isSpan(xmin, xmax) && isSpan(ymin, ymax)) {
    return { label, box: box as ObjectBox };
  }
  const wanted = '{ xmin, ymin, xmax, ymax }, numbers, the least first';
  throw inputInvalid(name, `${where}.box is ${show(box ?? null)}; wanted ${wanted}`);
}

function isSpan(least: unknown, greatest: unknown): boolean {
  const areNumbers = Number.isFinite(least) && Number.isFinite(greatest);
  return areNumbers && Number(least) <= Number(greatest);
}
