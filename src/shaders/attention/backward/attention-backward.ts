// The gradient of attention, in two halves that own queries and keys: no atomics, so two runs agree
// bit for bit.

import { TransformerError } from '../../../runtime/errors.ts';
import { once } from '../../../runtime/gradient.ts';
import { kernel, type Kernel, type Snippet } from '../../../runtime/kernel.ts';
import type { Tensor } from '../../../runtime/tensor.ts';
import commonText from './attention-backward-common.wgsl?raw';
import deltaText from './attention-backward-delta.wgsl?raw';
import keyRegisterText from './attention-backward-key-register.wgsl?raw';
import keyTileText from './attention-backward-key-tile.wgsl?raw';
import queryRegisterText from './attention-backward-query-register.wgsl?raw';
import queryTileText from './attention-backward-query-tile.wgsl?raw';
import registerText from './attention-backward-register.wgsl?raw';
import tileText from './attention-backward-tile.wgsl?raw';
import dropoutText from '../attention-dropout.wgsl?raw';
import { attentionFour, attentionIndex } from '../attention-kernels.ts';
import type { AttentionEntry } from '../attention-entry.ts';
import { random, workgroup } from '../../snippets.ts';
import type { Rule } from '../../traces.ts';

const common = { file: 'attention-backward-common.wgsl', text: commonText };
const dropout = { file: 'attention-dropout.wgsl', text: dropoutText };
const register = { file: 'attention-backward-register.wgsl', text: registerText };
const tile = { file: 'attention-backward-tile.wgsl', text: tileText };

const deltaKernel = kernel({
  name: 'attention-backward-delta',
  code: [workgroup, { file: 'attention-backward-delta.wgsl', text: deltaText }],
  bindings: { y: 'read', dy: 'read', delta: 'write' },
  params: { batches: 'u32', heads: 'u32', queries: 'u32', head_size: 'u32' },
});

const inputs = {
  q: 'read',
  kv: 'read',
  key_mask: 'read',
  lse: 'read',
  dy: 'read',
  delta: 'read',
  state: 'read',
} as const;

const scalars = {
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
  site: 'u32',
  drop_below: 'u32',
  keep_scale: 'f32',
} as const;

interface Half {
  readonly register: Kernel;
  readonly tile: Kernel;
}

/** The two forms of a half: in registers on CPU adapters, in tiles of workgroup memory on GPUs. */
function half(
  operation: string,
  texts: { readonly register: string; readonly tile: string },
  bindings: Kernel['bindings'],
): Half {
  const form = (
    kind: keyof Half,
    pieces: readonly Snippet[],
    constants: Kernel['constants'],
  ): Kernel => {
    const name = `${operation}-${kind}`;
    const own = { file: `${name}.wgsl`, text: texts[kind] };
    return kernel({
      name,
      operation,
      code: [workgroup, random, attentionIndex, dropout, common, ...pieces, own],
      bindings: { ...inputs, ...bindings },
      params: scalars,
      constants: { CAUSAL: [false, true], DROPOUT: [false, true], ...constants },
    });
  };
  return {
    register: form('register', [attentionFour, register], {}),
    tile: form('tile', [tile], { CHUNKS: [1, 3] }),
  };
}

const queryHalf = half(
  'attention-backward-query',
  { register: queryRegisterText, tile: queryTileText },
  { dq: 'write' },
);
const keyHalf = half(
  'attention-backward-key',
  { register: keyRegisterText, tile: keyTileText },
  { dkv: 'write' },
);

export const attentionBackwardKernels: readonly Kernel[] = [
  deltaKernel,
  queryHalf.register,
  queryHalf.tile,
  keyHalf.register,
  keyHalf.tile,
];

/** Σ dy · y over the columns of each head. y, dy: (B, T, heads · head size). Result: (B, heads, T). */
export function attentionDelta(y: Tensor, dy: Tensor, heads: number): Tensor {
  const { recording } = dy;
  const [batches, queries] = [dy.size(0), dy.size(1)];
  const delta = recording.transient('attention delta', [batches, heads, queries]);
  recording.dispatch({
    kernel: deltaKernel,
    bindings: { y, dy, delta },
    params: { batches, heads, queries, head_size: dy.size(2) / heads },
    workgroups: Math.ceil((batches * heads * queries) / 64),
  });
  return delta;
}

/** Gradients of the tensors that hold q, k and v; one tensor may hold them all. */
export const attentionBackward: Rule<AttentionEntry> = ({ output, trace }, dy) => {
  const { q, k: kv, keyMask, lse } = trace;
  const { CAUSAL, DROPOUT, ...others } = trace.constants;
  if (trace.params.group > 1 || Object.values(others).some(Boolean)) {
    throw new TransformerError(
      'MODEL_UNSUPPORTED',
      'Attention with a bias, a window, capped scores or shared heads cannot be trained yet.',
    );
  }
  const constants = { CAUSAL, DROPOUT };
  // Apart, they and their gradients would take up to ten storage buffers; eight is what every device has.
  if (kv !== trace.v) {
    throw new TransformerError(
      'MODEL_UNSUPPORTED',
      'Attention whose keys and values do not stand in one tensor, because of rotary positions or ' +
        'norms of heads, cannot be trained yet.',
    );
  }
  const { k_pitch: kv_pitch, v_pitch: _same, ...scalarsOfQ } = trace.params;
  const params = { ...scalarsOfQ, kv_pitch };
  const { recording } = dy;
  const both = once(() => {
    const dq = recording.transient(`d ${q.label}`, q.shape);
    // Where q, k and v stand in one tensor, each half writes its own columns of the gradient.
    const dkv = kv === q ? dq : recording.transient(`d ${kv.label}`, kv.shape);
    const { batches, heads, queries, keys } = params;
    const delta = attentionDelta(output, dy, heads);
    const numbers = constants.DROPOUT ? recording.random : undefined;
    const shared = { q, kv, key_mask: keyMask, lse, dy, delta, state: numbers };
    const isGpu = recording.gpu.tier === 'gpu';
    const chunks = Math.ceil(params.head_size / 32);
    const form = ({ register: small, tile: large }: Half, rows: number) => ({
      kernel: isGpu ? large : small,
      params,
      constants: isGpu ? { ...constants, CHUNKS: chunks } : constants,
      workgroups: isGpu
        ? batches * heads * Math.ceil(rows / 32)
        : Math.ceil((batches * heads * Math.ceil(rows / 4)) / 16),
    });
    recording.dispatch({ ...form(queryHalf, queries), bindings: { ...shared, dq } });
    recording.dispatch({
      ...form(keyHalf, keys),
      bindings: { ...shared, dkv },
      parts: ['dkv'],
    });
    return { dq, dkv };
  });
  if (kv === q) return [[q, () => both().dq]];
  return [
    [q, () => both().dq],
    [kv, () => both().dkv],
  ];
};
