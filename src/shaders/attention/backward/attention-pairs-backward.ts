// What kernels of attention's gradient are declared with that go through pairs of queries and keys.

import { kernel, type Kernel, type Snippet } from '../../../runtime/kernel.ts';
import type { Bindings } from '../../../runtime/record.ts';
import type { Tensor } from '../../../runtime/tensor.ts';
import dropoutText from '../attention-dropout.wgsl?raw';
import type { AttentionEntry } from '../attention-entry.ts';
import { attentionIndex } from '../attention-kernels.ts';
import { attentionScore, scoreParams, scoreSwitches } from '../attention-score.ts';
import { numbers, random, workgroup } from '../../snippets.ts';
import commonText from './attention-backward-common.wgsl?raw';

const common = { file: 'attention-backward-common.wgsl', text: commonText };
const dropout = { file: 'attention-dropout.wgsl', text: dropoutText };

const inputs = {
  q: 'read',
  kv: 'read',
  key_mask: 'read',
  sums: 'read',
  dy: 'read',
  state: 'read',
  bias: 'read',
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
  ...scoreParams,
  site: 'u32',
  drop_below: 'u32',
  keep_scale: 'f32',
} as const;

/** What these kernels read. */
export interface PairInputs extends Bindings {
  readonly q: Tensor;
  readonly kv: Tensor;
  readonly dy: Tensor;
}

export type PairParams = Omit<AttentionEntry['trace']['params'], 'k_pitch' | 'v_pitch'> & {
  readonly kv_pitch: number;
};

/** `pieces`: what comes after the common texts; `bindings`: after the common ones. */
export function pairsKernel(
  name: string,
  pieces: readonly Snippet[],
  { operation = name, bindings, constants }: Pick<Kernel, 'bindings'> & Partial<Kernel>,
): Kernel {
  const shared = [workgroup, numbers, random, attentionIndex, dropout, attentionScore, common];
  return kernel({
    name,
    operation,
    code: [...shared, ...pieces],
    bindings: { ...inputs, ...bindings },
    params: scalars,
    constants: {
      CAUSAL: [false, true],
      DROPOUT: [false, true],
      ...scoreSwitches,
      ...constants,
    },
  });
}
