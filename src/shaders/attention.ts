// Fused scaled dot-product attention, and its weights on request.

import { kernel, type Kernel } from '../runtime/kernel.ts';
import type { Tensor } from '../runtime/tensor.ts';
import commonText from './attention-common.wgsl?raw';
import dropoutText from './attention-dropout.wgsl?raw';
import registerText from './attention-register.wgsl?raw';
import subgroupText from './attention-subgroup.wgsl?raw';
import tileText from './attention-tile.wgsl?raw';
import weightsText from './attention-weights.wgsl?raw';
import { dropoutParams, drops } from './dropout.ts';
import { numbers, random, workgroup } from './snippets.ts';
import type { Traced } from './traces.ts';

const common = { file: 'attention-common.wgsl', text: commonText };
const dropout = { file: 'attention-dropout.wgsl', text: dropoutText };

const shape = {
  batches: 'u32',
  heads: 'u32',
  queries: 'u32',
  keys: 'u32',
  head_size: 'u32',
  q_pitch: 'u32',
  q_start: 'u32',
  k_pitch: 'u32',
  k_start: 'u32',
} as const;

function attentionKernel(name: string, text: string, more: Partial<Kernel> = {}): Kernel {
  return kernel({
    name,
    operation: 'attention',
    code: [workgroup, numbers, random, common, dropout, { file: `${name}.wgsl`, text }],
    bindings: {
      q: 'read',
      k: 'read',
      v: 'read',
      key_mask: 'read',
      random: 'read',
      y: 'write',
      lse: 'write',
    },
    params: {
      ...shape,
      v_pitch: 'u32',
      v_start: 'u32',
      scale: 'f32',
      site: 'u32',
      drop_below: 'u32',
      keep_scale: 'f32',
    },
    ...more,
    constants: { CAUSAL: [false, true], DROPOUT: [false, true], ...more.constants },
  });
}

const subgroup = attentionKernel('attention-subgroup', subgroupText, { subgroups: true });
const register = attentionKernel('attention-register', registerText);
const tile = attentionKernel('attention-tile', tileText, { constants: { CHUNKS: [1, 2, 3] } });

const weightsKernel = kernel({
  name: 'attention-weights',
  code: [workgroup, { file: 'attention-weights.wgsl', text: weightsText }],
  bindings: { q: 'read', k: 'read', key_mask: 'read', lse: 'read', weights: 'write' },
  params: { ...shape, scale: 'f32' },
  constants: { CAUSAL: [false, true] },
});

export const attentionKernels: readonly Kernel[] = [subgroup, register, tile, weightsKernel];

/** Columns `start` onwards of a tensor's rows, head after head. */
export interface Columns {
  readonly tensor: Tensor;
  readonly start: number;
}

export interface AttentionInputs {
  /** (B, T, …) */
  readonly q: Columns;
  /** (B, S, …) */
  readonly k: Columns;
  /** (B, S, …) */
  readonly v: Columns;
  /** (B, S), 0 = padding */
  readonly keyMask: Tensor;
  readonly heads: number;
  readonly headSize: number;
  /** Hides the keys after each query's own place. */
  readonly causal: boolean;
  /** Factor of the scores; 1/√d_k when absent. */
  readonly scale?: number;
  /** Rate of dropout of the softmax weights, in recordings with random numbers; 0 when absent. */
  readonly dropout?: number;
}

export interface AttentionResult {
  /** (B, T, heads · headSize) */
  readonly output: Tensor;
  /** Appends the softmax weights, none of them dropped, to the recording. (B, heads, T, S) */
  weights(): Tensor;
}

/**
 * softmax(q·kᵀ · scale)·v for every head; a query with no key to see gets 0.
 * "Attention Is All You Need", §3.2.1.
 */
export function attention(inputs: AttentionInputs): AttentionResult {
  const { q, k, v, keyMask, heads, headSize, causal } = inputs;
  const { scale = headSize ** -0.5, dropout: rate = 0 } = inputs;
  const { recording } = q.tensor;
  const [batches, queries, keys] = [q.tensor.size(0), q.tensor.size(1), k.tensor.size(1)];
  const output = recording.transient('attention', [batches, queries, heads * headSize]);
  const lse = recording.transient('attention lse', [batches, heads, queries]);
  const scores = {
    batches,
    heads,
    queries,
    keys,
    head_size: headSize,
    q_pitch: q.tensor.pitch,
    q_start: q.start,
    k_pitch: k.tensor.pitch,
    k_start: k.start,
    scale,
  };
  const values = { v_pitch: v.tensor.pitch, v_start: v.start };
  const params = { ...scores, ...values, ...dropoutParams(recording, rate) };
  const constants = { CAUSAL: causal, DROPOUT: drops(recording, rate) };
  const rows = batches * heads;
  const { gpu } = recording;
  const form =
    gpu.tier === 'gpu'
      ? {
          kernel: tile,
          constants: { ...constants, CHUNKS: Math.ceil(headSize / 32) },
          workgroups: rows * Math.ceil(queries / 32),
        }
      : gpu.hasQuadSubgroups
        ? { kernel: subgroup, constants, workgroups: rows * Math.ceil(queries / 8) }
        : {
            kernel: register,
            constants,
            workgroups: Math.ceil((rows * Math.ceil(queries / 4)) / 16),
          };
  recording.dispatch({
    ...form,
    bindings: {
      q: q.tensor,
      k: k.tensor,
      v: v.tensor,
      key_mask: keyMask,
      random: constants.DROPOUT ? recording.random : undefined,
      y: output,
      lse,
    },
    params,
  });

  recording.differentiate({
    op: 'attention',
    output,
    inputs: [q.tensor, k.tensor, v.tensor],
    trace: { q: q.tensor, k: k.tensor, v: v.tensor, keyMask, lse, params, constants },
  } satisfies Traced<'attention'>);

  const weights = (): Tensor => {
    const result = recording.transient('attention weights', [batches, heads, queries, keys]);
    recording.dispatch({
      kernel: weightsKernel,
      bindings: { q: q.tensor, k: k.tensor, key_mask: keyMask, lse, weights: result },
      params: scores,
      constants: { CAUSAL: causal },
      workgroups: Math.ceil((rows * queries * keys) / 64),
    });
    return result;
  };
  return { output, weights };
}
