// The gradients of streams that take shares of others.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { allForms, rowForm, rowKernel } from '../rows/row-kernel.ts';
import { workgroup } from '../snippets.ts';
import type { Rule } from '../traces.ts';
import coefficientsText from './mix-streams-backward-coefficients.wgsl?raw';
import text from './mix-streams-backward.wgsl?raw';
import { type MixStreamsEntry, mixStreamsParams } from './mix-streams.ts';

const othersKernel = kernel({
  name: 'mix-streams-backward',
  code: [workgroup, { file: 'mix-streams-backward.wgsl', text }],
  bindings: { coefficients: 'read', dy: 'read', d_others: 'write' },
  params: mixStreamsParams,
  constants: { HAS_COEFFICIENTS: [false, true] },
});

const coefficientsForms = rowKernel({
  name: 'mix-streams-backward-coefficients',
  code: [workgroup, { file: 'mix-streams-backward-coefficients.wgsl', text: coefficientsText }],
  bindings: { others: 'read', dy: 'read', d_coefficients: 'write' },
  params: { shares: 'u32', columns: 'u32', streams: 'u32', others: 'u32', first: 'u32' },
});

export const mixStreamsBackwardKernels: readonly Kernel[] = [
  othersKernel,
  ...allForms(coefficientsForms),
];

export const mixStreamsBackward: Rule<MixStreamsEntry> = ({ trace }, dy) => {
  const { x, others, coefficients, params } = trace;
  const { recording } = dy;
  const ofOthers = (): Tensor => {
    const d_others = recording.transient(`d ${others.label}`, others.shape);
    const size = elements(others.shape);
    recording.dispatch({
      kernel: othersKernel,
      bindings: { coefficients, dy, d_others },
      params: { ...params, size },
      constants: { HAS_COEFFICIENTS: coefficients !== undefined },
      workgroups: Math.ceil(size / 64),
    });
    return d_others;
  };
  const ofCoefficients = (given: Tensor) => (): Tensor => {
    const { size: _size, offset: _offset, ...sizes } = params;
    const shares = elements(given.shape);
    const d_coefficients = recording.transient(`d ${given.label}`, given.shape);
    recording.dispatch({
      ...rowForm(coefficientsForms, recording.gpu, shares),
      bindings: { others, dy, d_coefficients },
      params: { ...sizes, shares },
    });
    return d_coefficients;
  };
  return [
    [x, () => dy],
    [others, ofOthers],
    ...(coefficients ? [[coefficients, ofCoefficients(coefficients)] as const] : []),
  ];
};
