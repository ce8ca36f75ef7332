// The gradient of attention, in two halves that own queries and keys, and one that owns distances between
// them: no atomics, so two runs agree bit for bit.

import { TransformerError } from '../../../runtime/errors.ts';
import { type InputGradient, once } from '../../../runtime/gradient.ts';
import { kernel, type Kernel, type Snippet } from '../../../runtime/kernel.ts';
import type { Tensor } from '../../../runtime/tensor.ts';
import biasRegisterText from './attention-backward-bias-register.wgsl?raw';
import biasTileText from './attention-backward-bias-tile.wgsl?raw';
import deltaText from './attention-backward-delta.wgsl?raw';
import keyRegisterText from './attention-backward-key-register.wgsl?raw';
import keyTileText from './attention-backward-key-tile.wgsl?raw';
import queryRegisterText from './attention-backward-query-register.wgsl?raw';
import queryTileText from './attention-backward-query-tile.wgsl?raw';
import registerText from './attention-backward-register.wgsl?raw';
import tileText from './attention-backward-tile.wgsl?raw';
import { attentionFour } from '../attention-kernels.ts';
import type { AttentionEntry } from '../attention-entry.ts';
import { pairsKernel } from './attention-pairs-backward.ts';
import { positionKernels, positionsBackward } from './attention-positions-backward.ts';
import { distanceKernel, sumByDistance } from './attention-distance-backward.ts';
import { blankOthers } from '../../matmul/columns/blank-columns-backward.ts';
import { columnSum } from '../../matmul/columns/column-sum.ts';
import { workgroup } from '../../snippets.ts';
import type { Rule } from '../../traces.ts';

const register = { file: 'attention-backward-register.wgsl', text: registerText };
const tile = { file: 'attention-backward-tile.wgsl', text: tileText };

const deltaKernel = kernel({
  name: 'attention-backward-delta',
  code: [workgroup, { file: 'attention-backward-delta.wgsl', text: deltaText }],
  bindings: {
    y: 'read',
    dy: 'read',
    lse: 'read',
    sinks: 'read',
    sums: 'write',
    dsinks: 'write',
  },
  params: { batches: 'u32', heads: 'u32', queries: 'u32', head_size: 'u32' },
  constants: { HAS_SINK: [false, true] },
});

interface Forms {
  readonly register: Kernel;
  readonly tile: Kernel;
}

/** The two forms of a kernel over pairs: in registers on CPU adapters, in tiles of workgroup memory on GPUs. */
function formsOf(
  operation: string,
  texts: { readonly register: string; readonly tile: string },
  bindings: Kernel['bindings'],
): Forms {
  const form = (
    kind: keyof Forms,
    pieces: readonly Snippet[],
    constants: Kernel['constants'],
  ): Kernel => {
    const name = `${operation}-${kind}`;
    const own = { file: `${name}.wgsl`, text: texts[kind] };
    return pairsKernel(name, [...pieces, own], { operation, bindings, constants });
  };
  return {
    register: form('register', [attentionFour, register], {}),
    tile: form('tile', [tile], { CHUNKS: [1, 3] }),
  };
}

const queryHalf = formsOf(
  'attention-backward-query',
  { register: queryRegisterText, tile: queryTileText },
  { dq: 'write' },
);
const keyHalf = formsOf(
  'attention-backward-key',
  { register: keyRegisterText, tile: keyTileText },
  { dkv: 'write' },
);

const biasPart = formsOf(
  'attention-backward-bias',
  { register: biasRegisterText, tile: biasTileText },
  { dscores: 'write' },
);

export const attentionBackwardKernels: readonly Kernel[] = [
  deltaKernel,
  queryHalf.register,
  queryHalf.tile,
  keyHalf.register,
  keyHalf.tile,
  biasPart.register,
  biasPart.tile,
  distanceKernel,
  ...positionKernels,
];

/** Numbers of the queries of an attention. */
export interface QuerySums {
  /** log Σ exp(score), and Σ do · o: (B, heads, T, 2) */
  readonly sums: Tensor;
  /** What the scores of sinks get, where there are some: (B, T, heads) */
  readonly dsinks: Tensor | undefined;
}

/** y, dy: (B, T, heads · head size); lse: (B, heads, T); sinks: (heads). */
export function querySums(
  y: Tensor,
  dy: Tensor,
  { lse, sinks }: { readonly lse: Tensor; readonly sinks?: Tensor | undefined },
): QuerySums {
  const { recording } = dy;
  const [batches, heads, queries] = [lse.size(0), lse.size(1), lse.size(2)];
  const sums = recording.transient('attention sums', [batches, heads, queries, 2]);
  const dsinks = sinks && recording.transient(`d ${sinks.label}`, [batches, queries, heads]);
  recording.dispatch({
    kernel: deltaKernel,
    bindings: { y, dy, lse, sinks, sums, dsinks },
    params: { batches, heads, queries, head_size: dy.size(2) / heads },
    constants: { HAS_SINK: sinks !== undefined },
    workgroups: Math.ceil((batches * heads * queries) / 64),
  });
  return { sums, dsinks };
}

/** Gradients of the tensors that hold q, k and v, which one tensor may hold, and of a bias by distance or sinks. */
export const attentionBackward: Rule<AttentionEntry> = ({ output, trace }, dy) => {
  const { q, k: kv, keyMask, bias, lse } = trace;
  const { constants } = trace;
  // Apart, they and their gradients would take more storage buffers than every device has.
  if (kv !== trace.v) {
    throw new TransformerError(
      'MODEL_UNSUPPORTED',
      'Attention whose keys and values do not stand in one tensor cannot be trained yet.',
    );
  }
  const { k_pitch: kv_pitch, v_pitch: _same, ...scalarsOfQ } = trace.params;
  const params = { ...scalarsOfQ, kv_pitch };
  const { batches, heads, queries, keys, head_size, group } = params;
  const { recording } = dy;
  const sinks = constants.HAS_SINK ? bias : undefined;
  const { sums, dsinks } = querySums(output, dy, { lse, sinks });
  const state = constants.DROPOUT ? recording.random : undefined;
  const shared = { q, kv, key_mask: keyMask, sums, dy, state, bias };
  if (trace.positions)
    return positionsBackward(trace.positions, { bindings: shared, params, constants });
  const isGpu = recording.gpu.tier === 'gpu';
  const chunks = Math.ceil(head_size / 32);
  /** Queries or keys of a tile. */
  const size = isGpu ? 32 : 4;
  const [queryTiles, keyTiles] = [Math.ceil(queries / size), Math.ceil(keys / size)];
  const form = ({ register: small, tile: large }: Forms, tiles: number) => ({
    kernel: isGpu ? large : small,
    params,
    constants: isGpu ? { ...constants, CHUNKS: chunks } : constants,
    workgroups: Math.ceil((batches * tiles) / (isGpu ? 1 : 16)),
  });
  const both = once(() => {
    const dq = recording.transient(`d ${q.label}`, q.shape);
    // Where q, k and v stand in one tensor, each half writes its own columns of the gradient.
    const dkv = kv === q ? dq : recording.transient(`d ${kv.label}`, kv.shape);
    recording.dispatch({
      ...form(queryHalf, heads * queryTiles),
      bindings: { ...shared, dq },
      parts: ['dq'],
    });
    recording.dispatch({
      ...form(keyHalf, (heads / group) * keyTiles),
      bindings: { ...shared, dkv },
      parts: ['dkv'],
    });
    if (kv !== q) {
      const { q_start, k_start, v_start } = params;
      blankOthers(dq, { first: q_start, second: q_start, count: heads * head_size });
      blankOthers(dkv, { first: k_start, second: v_start, count: (heads / group) * head_size });
    }
    return { dq, dkv };
  });
  const ofBias: InputGradient = [
    bias,
    () => {
      const diagonals = queryTiles + keyTiles - 1;
      const dscores = recording.transient('d scores', [batches, heads, diagonals, 2 * size]);
      const dispatch = form(biasPart, heads * diagonals);
      recording.dispatch({ ...dispatch, bindings: { ...shared, dscores } });
      return sumByDistance(dscores, { queryTiles, distances: 2 * params.reach + 1 });
    },
  ];
  return [
    [q, () => both().dq],
    ...(kv === q ? [] : [[kv, () => both().dkv] as const]),
    ...(constants.HAS_BIAS ? [ofBias] : []),
    ...(dsinks ? [[sinks, () => columnSum(dsinks, `d ${dsinks.label}`)] as const] : []),
  ];
};
