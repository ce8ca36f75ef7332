// The gradient of attention, in two halves that own queries and keys: no atomics, so two runs agree
// bit for bit.

import { type InputGradient, once } from '../runtime/gradient.ts';
import type { Kernel } from '../runtime/kernel.ts';
import type { Tensor } from '../runtime/tensor.ts';
import commonText from './attention-backward-common.wgsl?raw';
import keyText from './attention-backward-key.wgsl?raw';
import queryText from './attention-backward-query.wgsl?raw';
import { allForms, rowForm, rowKernel, type RowKernel } from './row-kernel.ts';
import { workgroup } from './snippets.ts';

const common = { file: 'attention-backward-common.wgsl', text: commonText };

function half(name: string, text: string, bindings: Kernel['bindings']): RowKernel {
  return rowKernel({
    name,
    code: [workgroup, common, { file: `${name}.wgsl`, text }],
    bindings: {
      q: 'read',
      kv: 'read',
      key_mask: 'read',
      lse: 'read',
      dy: 'read',
      ...bindings,
    },
    params: {
      batches: 'u32',
      heads: 'u32',
      queries: 'u32',
      keys: 'u32',
      head_size: 'u32',
      q_pitch: 'u32',
      q_start: 'u32',
      kv_pitch: 'u32',
      k_start: 'u32',
      v_start: 'u32',
      scale: 'f32',
    },
    constants: { CAUSAL: [false, true] },
  });
}

const queryForms = half('attention-backward-query', queryText, {
  y: 'read',
  dq: 'write',
  delta: 'write',
});
const keyForms = half('attention-backward-key', keyText, { delta: 'read', dkv: 'write' });

export const attentionBackwardKernels: readonly Kernel[] = [
  ...allForms(queryForms),
  ...allForms(keyForms),
];

/** What the forward pass has left behind. k and v are columns of one tensor. */
export interface AttentionTrace {
  readonly q: Tensor;
  readonly kv: Tensor;
  readonly keyMask: Tensor;
  readonly output: Tensor;
  readonly lse: Tensor;
  readonly params: Readonly<Record<string, number>>;
  readonly causal: boolean;
}

/** Gradients of the tensors that hold q, k and v; one tensor may hold them all. */
export function attentionBackward(trace: AttentionTrace, dy: Tensor): InputGradient[] {
  const { q, kv, keyMask, output, lse, params, causal } = trace;
  const { recording } = dy;
  const both = once(() => {
    const dq = recording.transient(`d ${q.label}`, q.shape);
    // Where q, k and v stand in one tensor, each half writes its own columns of the gradient.
    const dkv = kv === q ? dq : recording.transient(`d ${kv.label}`, kv.shape);
    const delta = recording.transient('attention delta', lse.shape);
    const shared = { q, kv, key_mask: keyMask, lse, dy };
    const rows = (params['batches'] ?? 0) * (params['heads'] ?? 0);
    recording.dispatch({
      ...rowForm(queryForms, recording.gpu, rows * (params['queries'] ?? 0)),
      bindings: { ...shared, y: output, dq, delta },
      params,
      constants: { CAUSAL: causal },
    });
    recording.dispatch({
      ...rowForm(keyForms, recording.gpu, rows * (params['keys'] ?? 0)),
      bindings: { ...shared, delta, dkv },
      params,
      constants: { CAUSAL: causal },
      parts: ['dkv'],
    });
    return { dq, dkv };
  });
  if (kv === q) return [[q, () => both().dq]];
  return [
    [q, () => both().dq],
    [kv, () => both().dkv],
  ];
}
