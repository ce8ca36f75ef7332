// The gradient of short convolutions over whole sequences.

import { once } from '../../runtime/gradient.ts';
import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { elements } from '../../runtime/tensor.ts';
import { columnSum } from '../matmul/columns/column-sum.ts';
import { derivative } from '../matmul/gates/activate-backward.ts';
import { activationCodes } from '../matmul/matmul-kernels.ts';
import { activation, element1, tanh, workgroup } from '../snippets.ts';
import type { Rule } from '../traces.ts';
import inputText from './short-convolution-backward-input.wgsl?raw';
import weightText from './short-convolution-backward-weight.wgsl?raw';
import text from './short-convolution-backward.wgsl?raw';
import { convolutionInput, type ShortConvolutionEntry } from './short-convolution.ts';

const params = {
  rows: 'u32',
  tokens: 'u32',
  channels: 'u32',
  pitch: 'u32',
  size: 'u32',
} as const;

const sumKernel = kernel({
  name: 'short-convolution-backward',
  code: [
    workgroup,
    element1,
    tanh,
    activation,
    derivative,
    convolutionInput,
    { file: 'short-convolution-backward.wgsl', text },
  ],
  bindings: { x: 'read', weight: 'read', bias: 'read', dy: 'read', ds: 'write', dx: 'write' },
  params,
  constants: {
    ACTIVATION: Object.values(activationCodes),
    GATED: [false, true],
    HAS_BIAS: [false, true],
  },
});

const inputKernel = kernel({
  name: 'short-convolution-backward-input',
  code: [workgroup, { file: 'short-convolution-backward-input.wgsl', text: inputText }],
  bindings: { x: 'read', weight: 'read', ds: 'read', dx: 'write' },
  params,
  constants: { GATED: [false, true] },
});

const weightKernel = kernel({
  name: 'short-convolution-backward-weight',
  code: [
    workgroup,
    convolutionInput,
    { file: 'short-convolution-backward-weight.wgsl', text: weightText },
  ],
  bindings: { x: 'read', ds: 'read', dw: 'write' },
  params: { ...params, chunk: 'u32' },
  constants: { GATED: [false, true] },
});

export const shortConvolutionBackwardKernels: readonly Kernel[] = [
  sumKernel,
  inputKernel,
  weightKernel,
];

/** Tokens that one invocation sums for a weight. */
const chunk = 64;

/** Gradients of the tokens, gates among them, of the weights and of the bias. */
export const shortConvolutionBackward: Rule<ShortConvolutionEntry> = ({ trace }, dy) => {
  const { x, weight, bias, constants } = trace;
  const { recording } = dy;
  const [channels, size, pitch] = [weight.size(0), weight.size(1), x.size(-1)];
  const rows = elements(dy.shape) / channels;
  const sizes = { rows, tokens: x.size(1), channels, pitch, size };
  const { GATED } = constants;
  const both = once(() => {
    const ds = recording.transient('d convolution', dy.shape);
    const dx = recording.transient(`d ${x.label}`, x.shape);
    recording.dispatch({
      kernel: sumKernel,
      bindings: { x, weight, bias, dy, ds, ...(GATED && { dx }) },
      params: sizes,
      constants,
      workgroups: Math.ceil((rows * channels) / 64),
    });
    return { ds, dx };
  });
  const ofInput = once(() => {
    const { ds, dx } = both();
    recording.dispatch({
      kernel: inputKernel,
      bindings: { x, weight, ds, dx },
      params: sizes,
      constants: { GATED },
      workgroups: Math.ceil((rows * pitch) / 64),
      // Gates have theirs already.
      parts: ['dx'],
    });
    return dx;
  });
  const ofWeight = once(() => {
    const chunks = Math.ceil(rows / chunk);
    const label = `d ${weight.label}`;
    const dw = recording.transient(`${label}, in chunks`, [chunks, channels, size]);
    recording.dispatch({
      kernel: weightKernel,
      bindings: { x, ds: both().ds, dw },
      params: { ...sizes, chunk },
      constants: { GATED },
      workgroups: Math.ceil((chunks * channels * size) / 64),
    });
    return columnSum(dw, label, weight.shape);
  });
  return [
    [x, ofInput],
    [weight, ofWeight],
    [bias, () => columnSum(both().ds, `d ${bias?.label ?? ''}`)],
  ];
};
