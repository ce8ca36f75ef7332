// Spans of rows or of columns that are masked at random while training.

import { TransformerError } from '../../runtime/errors.ts';
import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { late, random, workgroup } from '../snippets.ts';
import type { Traced } from '../traces.ts';

const startsKernel = kernel({
  name: 'span-starts',
  code: [
    workgroup,
    random,
    { file: 'span-starts.wgsl', text: late(() => import('./span-starts.wgsl?raw')) },
  ],
  bindings: { mask: 'read', random: 'read', starts: 'write' },
  params: {
    sequences: 'u32',
    size: 'u32',
    length: 'u32',
    least: 'u32',
    rate: 'f32',
    site: 'u32',
  },
  constants: { HAS_MASK: [false, true] },
});

const fillKernel = kernel({
  name: 'span-fill',
  code: [workgroup, { file: 'span-fill.wgsl', text: late(() => import('./span-fill.wgsl?raw')) }],
  bindings: { x: 'read', starts: 'read', fill: 'read', y: 'write' },
  params: { size: 'u32', rows: 'u32', columns: 'u32', length: 'u32' },
  constants: { BY_COLUMN: [false, true], HAS_FILL: [false, true] },
});

export const spanKernels: readonly Kernel[] = [startsKernel, fillKernel];

/** How much is masked: "mask_time_prob" and its kin in the files. */
export interface Spans {
  /** Of places in spans, were these apart; overlaps make it less. */
  readonly rate: number;
  /** Places of a span. */
  readonly length: number;
  /** Spans of a sequence at least. */
  readonly least: number;
}

export interface SpanOptions {
  readonly along: 'rows' | 'columns';
  /** u32 (B, rows), 0 = padding, which spans stay out of; none when absent. */
  readonly mask?: Tensor;
  /** (columns): what stands in masked rows; zeros when absent. It gets no gradient. */
  readonly fill?: Tensor | undefined;
}

/** What was masked, there and back. */
export interface SpanPlaces {
  /** u32 (B, rows) or (B, columns) */
  readonly starts: Tensor;
  readonly length: number;
  readonly along: SpanOptions['along'];
}

export type SpansEntry = Traced<'spans', { readonly x: Tensor; readonly places: SpanPlaces }>;

/**
 * x (B, rows, columns) with spans masked, drawn for each sequence; just x where the recording has no random numbers, or
 * the rate is 0. SpecAugment (Park et al., 2019, arXiv 1904.08779, §2), as Hugging Face's `_compute_mask_indices` has it.
 * @throws TransformerError INPUT_INVALID where a span is longer than the sequences
 */
export function maskSpans(
  x: Tensor,
  { rate, length, least }: Spans,
  { along, mask, fill }: SpanOptions,
): Tensor {
  const { recording } = x;
  if (recording.random === undefined || rate === 0) return x;
  const [sequences, size] = [x.size(0), x.size(along === 'rows' ? 1 : 2)];
  if (length > size) {
    throw new TransformerError(
      'INPUT_INVALID',
      `Spans of ${length} are to be masked in training, of ${size}. Pass longer sounds, set mask_time_length or ` +
        'mask_feature_length in config.json, or give the Trainer dropout: false.',
    );
  }
  const starts = recording.transient('starts of spans', [sequences, size], 'u32');
  recording.dispatch({
    kernel: startsKernel,
    bindings: { mask, random: recording.random, starts },
    params: { sequences, size, length, least, rate, site: recording.nextSite() },
    constants: { HAS_MASK: mask !== undefined },
    workgroups: Math.ceil((sequences * size) / 64),
  });
  const places = { starts, length, along };
  const y = fillSpans(x, places, { fill, label: `${x.label}, masked` });
  recording.differentiate({
    op: 'spans',
    output: y,
    inputs: [x],
    trace: { x, places },
  } satisfies SpansEntry);
  return y;
}

/** x, or a gradient, with what stands in its spans in place of what is there. */
export function fillSpans(
  x: Tensor,
  { starts, length, along }: SpanPlaces,
  { fill, label }: { readonly fill?: Tensor | undefined; readonly label: string },
): Tensor {
  const size = elements(x.shape);
  const y = x.recording.transient(label, x.shape);
  x.recording.dispatch({
    kernel: fillKernel,
    bindings: { x, starts, fill, y },
    params: { size, rows: x.size(1), columns: x.size(2), length },
    constants: { BY_COLUMN: along === 'columns', HAS_FILL: fill !== undefined },
    workgroups: Math.ceil(size / 64),
  });
  return y;
}
