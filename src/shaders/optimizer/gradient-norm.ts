// What is measured of all gradients before an update, and the sum of gradients of several batches.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import accumulateText from './accumulate.wgsl?raw';
import normText from './gradient-norm.wgsl?raw';
import scaleText from './gradient-scale.wgsl?raw';
import { allForms, rowForm, rowKernel } from '../rows/row-kernel.ts';
import { foursOf, type Segment, type StepTensors } from './segment.ts';
import { flags, workgroup } from '../snippets.ts';

const normForms = rowKernel({
  name: 'gradient-norm',
  code: [workgroup, flags, { file: 'gradient-norm.wgsl', text: normText }],
  bindings: { gradient: 'read', flags: 'read', sums: 'write' },
  params: { chunks: 'u32', chunk: 'u32', size: 'u32', start: 'u32' },
});

const scaleForms = rowKernel({
  name: 'gradient-scale',
  code: [workgroup, { file: 'gradient-scale.wgsl', text: scaleText }],
  bindings: { sums: 'read', loss: 'read', settings: 'read', counters: 'write', status: 'write' },
  params: { chunks: 'u32' },
});

const accumulateKernel = kernel({
  name: 'accumulate',
  code: [workgroup, { file: 'accumulate.wgsl', text: accumulateText }],
  bindings: { x: 'read', total: 'write' },
  params: { size: 'u32' },
  constants: { FIRST: [false, true] },
});

export const gradientNormKernels: readonly Kernel[] = [
  ...allForms(normForms),
  ...allForms(scaleForms),
  accumulateKernel,
];

export interface MeasureOptions extends StepTensors {
  /** f32 (1): the step's loss. */
  readonly loss: Tensor;
  /** u32 (4), kept between steps: updates applied, updates skipped, skipped in a row, 0. */
  readonly counters: Tensor;
}

/** Fours of elements that one row of `gradient-norm` sums. */
const chunk = 1024;

/**
 * Σ g² over the trainable elements of every chunk of 4096, in a fixed order. The result, (chunks, 4):
 * the sum of ordinary squares, that of (2⁻⁸⁰ g)² from |g| = 2⁴⁸ on, how many are not finite, 0.
 */
export function sumSquares(segments: readonly Segment[]): Tensor {
  const [head] = segments;
  if (head === undefined) throw new RangeError('sumSquares: there is no segment');
  const { recording } = head.gradients;
  const chunksOf = (segment: Segment): number => Math.ceil(foursOf(segment) / chunk);
  const total = segments.reduce((sum, segment) => sum + chunksOf(segment), 0);
  const sums = recording.transient('sums of squares', [total, 4]);
  let start = 0;
  for (const segment of segments) {
    const chunks = chunksOf(segment);
    recording.dispatch({
      ...rowForm(normForms, recording.gpu, chunks),
      bindings: { gradient: segment.gradients, flags: segment.flags, sums },
      params: { chunks, chunk, size: foursOf(segment), start },
      parts: ['sums'],
    });
    start += chunks;
  }
  return sums;
}

/**
 * Measures all gradients: their norm, and by which factor to scale them so that it stays within the
 * largest norm: min(1, max norm / (norm + 1e-6)). When a gradient or the loss is not finite, or the
 * norm itself exceeds f32, `status` and `counters` say that the update is skipped.
 */
export function measureGradients(
  segments: readonly Segment[],
  { settings, loss, counters, status }: MeasureOptions,
): void {
  if (status.dtype !== 'f32' || counters.dtype !== 'u32') {
    throw new RangeError(
      `measureGradients takes status f32(4) and counters u32(4), got ${status.describe()} ` +
        `and ${counters.describe()}`,
    );
  }
  const sums = sumSquares(segments);
  const { recording } = sums;
  recording.dispatch({
    ...rowForm(scaleForms, recording.gpu, 1),
    bindings: { sums, loss, settings, counters, status },
    params: { chunks: sums.size(0) },
  });
}

/** totals += gradients, or totals = gradients the `first` time, in place. Both f32 (n), n a multiple of 4. */
export function accumulate(totals: Tensor, gradients: Tensor, first: boolean): void {
  const size = elements(totals.shape) / 4;
  if (elements(gradients.shape) / 4 !== size || !Number.isInteger(size)) {
    throw new RangeError(`accumulate: ${totals.describe()} and ${gradients.describe()} do not fit`);
  }
  totals.recording.dispatch({
    kernel: accumulateKernel,
    bindings: { x: gradients, total: totals },
    params: { size },
    constants: { FIRST: first },
    workgroups: Math.ceil(size / 64),
  });
}
