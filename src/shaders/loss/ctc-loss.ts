// The loss of connectionist temporal classification: how probable labels are in their order, at whatever steps.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { allForms, rowForm, rowKernel } from '../rows/row-kernel.ts';
import { late, numbers, rowSoftmax, workgroup } from '../snippets.ts';
import type { Scalars, Traced } from '../traces.ts';

/** The scalars of what goes by steps of sequences. */
export const ctcScalars = { rows: 'u32', columns: 'u32', steps: 'u32', places: 'u32' } as const;

const emissionForms = rowKernel({
  name: 'ctc-emissions',
  code: [
    workgroup,
    numbers,
    rowSoftmax,
    { file: 'ctc-emissions.wgsl', text: late(() => import('./ctc-emissions.wgsl?raw')) },
  ],
  bindings: { x: 'read', classes: 'read', y: 'write' },
  params: ctcScalars,
});

const pathsKernel = kernel({
  name: 'ctc-paths',
  code: [
    workgroup,
    numbers,
    { file: 'ctc-paths.wgsl', text: late(() => import('./ctc-paths.wgsl?raw')) },
  ],
  bindings: { emissions: 'read', classes: 'read', sizes: 'read', y: 'write', loss: 'write' },
  params: { sequences: 'u32', steps: 'u32', places: 'u32', first: 'u32', count: 'u32' },
  constants: { REVERSED: [false, true] },
});

export const ctcLossKernels: readonly Kernel[] = [...allForms(emissionForms), pathsKernel];

/** What the paths of sequences lead through, their labels with blanks before, between and behind them. */
export interface CtcPlaces {
  /** u32 (B, places): the class of each place */
  readonly classes: Tensor;
  /** u32 (B, 2): the steps and the places that are a sequence's own; without steps its loss is 0 */
  readonly sizes: Tensor;
  /** u32 (B, C + places): the first place of each class, and the next of the same class of each place; 2³² - 1 for none */
  readonly links: Tensor;
}

export interface CtcValues extends CtcPlaces {
  /** (B, T, C) */
  readonly x: Tensor;
  /** (B, T, places): the logarithms of the probabilities of the classes of the places */
  readonly emissions: Tensor;
}

export type CtcLossEntry = Traced<
  'ctc-loss',
  CtcValues & { readonly arrived: Tensor; readonly params: Scalars<typeof ctcScalars> }
>;

/**
 * -log of the probability of all paths through the places of each sequence (Graves et al., 2006, "Connectionist temporal
 * classification: labelling unsegmented sequence data with recurrent neural networks", §4.1), as PyTorch's `ctc_loss`
 * has it without a reduction. x: logits (B, T, C). Result: (B), some 1e38 where no path leads through all places.
 */
export function ctcLoss(x: Tensor, labels: CtcPlaces): Tensor {
  const { recording } = x;
  const { emissions, params } = emit(x, labels.classes);
  const loss = recording.transient('loss', [x.size(0)]);
  const values = { ...labels, x, emissions };
  const arrived = paths(values, loss);
  recording.differentiate({
    op: 'ctc-loss',
    output: loss,
    inputs: [x],
    trace: { ...values, arrived, params },
  } satisfies CtcLossEntry);
  return loss;
}

/** The logarithms of the probabilities of the classes of places. x: (B, T, C). */
export function emit(
  x: Tensor,
  classes: Tensor,
): Pick<CtcLossEntry['trace'], 'emissions' | 'params'> {
  const { recording } = x;
  const [sequences, steps, columns] = [x.size(0), x.size(1), x.size(2)];
  const places = classes.size(1);
  const params = { rows: sequences * steps, columns, steps, places };
  const emissions = recording.transient('emissions', [sequences, steps, places]);
  recording.dispatch({
    ...rowForm(emissionForms, recording.gpu, params.rows, 2 * columns + places),
    bindings: { x, classes, y: emissions },
    params,
  });
  return { emissions, params };
}

/** Turns of loops that a dispatch takes at most, see `rowForm`. */
const MOST_TURNS = 50_000;

/** Of the paths that lead to each place, and the loss of all; without that of those that lead on. (B, T, places) */
export function paths({ emissions, classes, sizes }: CtcValues, loss?: Tensor): Tensor {
  const { recording } = emissions;
  const [sequences, steps, places] = [emissions.size(0), emissions.size(1), emissions.size(2)];
  const label = loss === undefined ? 'paths onwards' : 'paths so far';
  const y = recording.transient(label, emissions.shape);
  const most = Math.max(1, Math.floor(MOST_TURNS / (18 + Math.ceil(places / 64))));
  for (let first = 0; first < steps; first += most) {
    recording.dispatch({
      kernel: pathsKernel,
      bindings: { emissions, classes, sizes, y, loss },
      params: { sequences, steps, places, first, count: Math.min(most, steps - first) },
      constants: { REVERSED: loss === undefined },
      parts: ['y', 'loss'],
      workgroups: sequences,
    });
  }
  return y;
}
