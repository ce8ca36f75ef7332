// What samples of an axis are made of when a picture, or a grid of vectors, gets another size.

/** Filters that pictures are resampled by; or none, where the nearest pixel is taken. */
export type ImageFilter = 'nearest' | 'box' | 'bilinear' | 'hamming' | 'bicubic' | 'lanczos';

/** The weight of a pixel so far away, and how far it reaches (Resample.c of Pillow). */
const filters: Readonly<
  Record<Exclude<ImageFilter, 'nearest'>, readonly [reach: number, weight: (x: number) => number]>
> = {
  box: [0.5, (x) => (x > -0.5 && x <= 0.5 ? 1 : 0)],
  bilinear: [1, (x) => Math.max(0, 1 - Math.abs(x))],
  hamming: [1, (x) => (Math.abs(x) >= 1 ? 0 : sinc(x) * (0.54 + 0.46 * Math.cos(Math.PI * x)))],
  bicubic: [2, (x) => cubic(x, -0.5)],
  lanczos: [3, (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0)],
};

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/** Keys, 1981, "Cubic Convolution Interpolation for Digital Image Processing": the weight of a sample so far away. */
export function cubic(distance: number, a: number): number {
  const x = Math.abs(distance);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

/** The pixels that a sample is made of, from `first` on. Their weights add up to 1. */
export interface FilteredSample {
  readonly first: number;
  readonly weights: readonly number[];
}

/** Some of the samples of an axis. */
export interface SampleRange {
  readonly first: number;
  readonly count: number;
}

/**
 * How `to` samples are made of `from` pixels, as in Pillow: a filter is as wide as what a sample stands for.
 * `range`: those that are wanted.
 */
export function filteredSamples(
  from: number,
  to: number,
  filter: ImageFilter,
  range: SampleRange = { first: 0, count: to },
): FilteredSample[] {
  const scale = from / to;
  if (filter === 'nearest') return nearestSamples(from, scale, range);
  const [reach, weightAt] = filters[filter];
  const stretch = Math.max(scale, 1);
  const support = reach * stretch;
  return Array.from({ length: range.count }, (_, i) => {
    const center = (range.first + i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - support + 0.5));
    const end = Math.min(from, Math.trunc(center + support + 0.5));
    const own = Array.from({ length: end - first }, (__, tap) =>
      weightAt((tap + first - center + 0.5) / stretch),
    );
    const sum = own.reduce((total, weight) => total + weight, 0);
    return { first, weights: own.map((weight) => (sum === 0 ? weight : weight / sum)) };
  });
}

/** One pixel a sample; places are added up, as Pillow does it (ImagingScaleAffine of Geometry.c). */
function nearestSamples(
  from: number,
  scale: number,
  { first, count }: SampleRange,
): FilteredSample[] {
  const samples: FilteredSample[] = [];
  for (let i = 0, at = scale / 2; i < first + count; i++, at += scale) {
    if (i >= first) samples.push({ first: Math.min(from - 1, Math.floor(at)), weights: [1] });
  }
  return samples;
}
