// The gradient of attention that compares queries and keys with relative positions: what every pair has for it is
// written down once, (B, heads, T, S), and summed up by queries, by keys and by distances.

import { once } from '../../../runtime/gradient.ts';
import type { InputGradient } from '../../../runtime/gradient.ts';
import { kernel, type Kernel } from '../../../runtime/kernel.ts';
import { elements, type Tensor } from '../../../runtime/tensor.ts';
import { workgroup } from '../../snippets.ts';
import positionsText from '../positions/attention-positions.wgsl?raw';
import type { PositionScores } from '../positions/attention-positions.ts';
import distanceText from './attention-backward-pair-distance.wgsl?raw';
import pairsText from './attention-backward-pairs.wgsl?raw';
import sumText from './attention-backward-pair-sum.wgsl?raw';
import { type PairInputs, type PairParams, pairsKernel } from './attention-pairs-backward.ts';

const pairs = pairsKernel(
  'attention-backward-pairs',
  [
    { file: 'attention-positions.wgsl', text: positionsText },
    { file: 'attention-backward-pairs.wgsl', text: pairsText },
  ],
  {
    bindings: { pairs: 'write' },
    constants: { C2P: [false, true], P2C: [false, true], TABLES: [1, 2, 3], NAMED: [false] },
  },
);

const pairSum = kernel({
  name: 'attention-backward-pair-sum',
  code: [workgroup, { file: 'attention-backward-pair-sum.wgsl', text: sumText }],
  bindings: { pairs: 'read', x: 'read', bias: 'read', y: 'write' },
  params: {
    batches: 'u32',
    heads: 'u32',
    queries: 'u32',
    keys: 'u32',
    head_size: 'u32',
    x_pitch: 'u32',
    x_start: 'u32',
    y_pitch: 'u32',
    y_start: 'u32',
    part: 'u32',
    reach: 'u32',
    tables: 'u32',
    table: 'u32',
  },
  constants: { OF_KEYS: [false, true], ADDS: [false, true] },
});

const pairDistance = kernel({
  name: 'attention-backward-pair-distance',
  code: [workgroup, { file: 'attention-backward-pair-distance.wgsl', text: distanceText }],
  bindings: { pairs: 'read', q: 'read', kv: 'read', dbias: 'write' },
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
    reach: 'u32',
  },
  constants: { C2P: [false, true], P2C: [false, true], TABLES: [1, 2, 3] },
});

export const positionKernels: readonly Kernel[] = [pairs, pairSum, pairDistance];

/** Parts of what a pair has: its weight as dropout left it, and the gradient of its product. */
const [weight, ds] = [0, 1];

/** Gradients of the tensors that hold q, k and v, which one tensor may hold, and of the table of positions. */
export function positionsBackward(
  { table, constants }: PositionScores,
  {
    bindings,
    params,
    constants: switches,
  }: {
    readonly bindings: PairInputs;
    readonly params: PairParams;
    readonly constants: Readonly<Record<string, boolean>>;
  },
): InputGradient[] {
  const { q, kv, dy } = bindings;
  const { recording } = dy;
  const { batches, heads, queries, keys, head_size, reach } = params;
  const { C2P, P2C, TABLES } = constants;
  const shape = { batches, heads, queries, keys, head_size };
  const written = once(() => {
    const all = recording.transient('attention pairs', [batches, heads, queries, keys, 2]);
    recording.dispatch({
      kernel: pairs,
      bindings: { ...bindings, pairs: all },
      params,
      constants: { ...switches, ...constants },
      workgroups: Math.ceil((batches * heads * queries * Math.ceil(keys / 4)) / 64),
    });
    return all;
  });
  const sum = (
    part: number,
    of: 'queries' | 'keys',
    [x, x_start]: readonly [Tensor, number],
    [y, y_start]: readonly [Tensor, number],
    position?: number,
  ): void =>
    recording.dispatch({
      kernel: pairSum,
      bindings: { pairs: written(), x, bias: position === undefined ? undefined : table, y },
      params: {
        ...shape,
        x_pitch: x.pitch,
        x_start,
        y_pitch: y.pitch,
        y_start,
        part,
        reach,
        tables: TABLES,
        table: position ?? 0,
      },
      constants: { OF_KEYS: of === 'keys', ADDS: position !== undefined },
      workgroups: Math.ceil((batches * params[of] * heads * head_size) / 64),
      parts: ['y'],
    });
  const both = once(() => {
    const dq = recording.transient(`d ${q.label}`, q.shape);
    // Where q, k and v stand in one tensor, each has its own columns of the gradient.
    const dkv = kv === q ? dq : recording.transient(`d ${kv.label}`, kv.shape);
    const { q_start, k_start, v_start } = params;
    sum(ds, 'queries', [kv, k_start], [dq, q_start], C2P ? Math.min(1, TABLES - 1) : undefined);
    sum(ds, 'keys', [q, q_start], [dkv, k_start], P2C ? 0 : undefined);
    sum(weight, 'keys', [dy, 0], [dkv, v_start]);
    return { dq, dkv };
  });
  const ofTable = (): Tensor => {
    const dbias = recording.transient(`d ${table.label}`, table.shape);
    const { q_pitch, q_start, kv_pitch, k_start } = params;
    recording.dispatch({
      kernel: pairDistance,
      bindings: { pairs: written(), q, kv, dbias },
      params: { ...shape, q_pitch, q_start, kv_pitch, k_start, reach },
      constants: { C2P, P2C, TABLES },
      workgroups: Math.ceil(elements(table.shape) / 64),
    });
    return dbias;
  };
  return [
    [q, () => both().dq],
    ...(kv === q ? [] : [[kv, () => both().dkv] as const]),
    [table, ofTable],
  ];
}
