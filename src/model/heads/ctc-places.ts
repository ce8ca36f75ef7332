// What the paths of connectionist temporal classification lead through (Graves et al., 2006, §4.1): the labels of each
// sequence, with blanks before, between and behind them.

import type { SequenceLabels } from './head.ts';

/** The numbers that `CtcPlaces` of the kernels holds. */
export interface PlaceNumbers {
  readonly classes: Uint32Array<ArrayBuffer>;
  readonly sizes: Uint32Array<ArrayBuffer>;
  readonly links: Uint32Array<ArrayBuffer>;
}

const NONE = 2 ** 32 - 1;

/** The places that labels take, of which there are so many at most. */
export function placesOf(labels: number): number {
  return 2 * labels + 1;
}

/** Whether a path leads through the labels: a blank stands between two that are alike. */
export function isPossible(labels: readonly number[], steps: number): boolean {
  const alike = labels.filter((label, i) => i > 0 && label === labels[i - 1]).length;
  return labels.length + alike <= steps;
}

/** `places`: what each sequence has room for; `columns`: the classes that there are, `blank` among them. */
export function placeNumbers(
  { rows, steps }: SequenceLabels,
  { places, columns, blank }: { places: number; columns: number; blank: number },
): PlaceNumbers {
  const classes = new Uint32Array(rows.length * places).fill(blank);
  const sizes = new Uint32Array(2 * rows.length);
  const links = new Uint32Array(rows.length * (columns + places)).fill(NONE);
  for (const [index, labels] of rows.entries()) {
    const own = classes.subarray(index * places, (index + 1) * places);
    labels.forEach((label, i) => (own[2 * i + 1] = label));
    const count = placesOf(labels.length);
    sizes.set([steps[index] ?? 0, count], 2 * index);
    const list = links.subarray(index * (columns + places), (index + 1) * (columns + places));
    for (let place = count - 1; place >= 0; place--) {
      const label = own[place] ?? blank;
      list[columns + place] = list[label] ?? NONE;
      list[label] = place;
    }
  }
  return { classes, sizes, links };
}
