// The kernels of fused attention: forms for each kind of device, and the weights on request.

import { kernel, type Kernel, type Snippet } from '../../runtime/kernel.ts';
import commonText from './attention-common.wgsl?raw';
import contentText from './attention-content.wgsl?raw';
import indexText from './attention-index.wgsl?raw';
import dropoutText from './attention-dropout.wgsl?raw';
import { attentionScore, scoreParams, scoreSwitches } from './attention-score.ts';
import { keyValue4Storage, keyValueStorage } from './heads/cache-storage.ts';
import { element1, element4, late, numbers, random, workgroup } from '../snippets.ts';

const common = { file: 'attention-common.wgsl', text: commonText };
/** Where queries and outputs lie. */
export const attentionIndex: Snippet = { file: 'attention-index.wgsl', text: indexText };
/** In place of what else there is to compare, see attention-positions.ts. */
export const attentionContent: Snippet = { file: 'attention-content.wgsl', text: contentText };
const dropout = { file: 'attention-dropout.wgsl', text: dropoutText };
/** Rows by fours, on CPU adapters. */
export const attentionFour: Snippet = {
  file: 'attention-four.wgsl',
  text: late(() => import('./attention-four.wgsl?raw'), 'software'),
};

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

function attentionKernel(name: string, code: Kernel['code'], more: Partial<Kernel> = {}): Kernel {
  return kernel({
    name,
    operation: 'attention',
    code: [workgroup, numbers, random, attentionIndex, common, attentionScore, dropout, ...code],
    bindings: {
      q: 'read',
      k: 'read',
      v: 'read',
      key_mask: 'read',
      state: 'read',
      bias: 'read',
      y: 'write',
      lse: 'write',
    },
    params: {
      ...shape,
      v_pitch: 'u32',
      v_start: 'u32',
      ...scoreParams,
      site: 'u32',
      drop_below: 'u32',
      keep_scale: 'f32',
    },
    ...more,
    constants: {
      CAUSAL: [false, true],
      DROPOUT: [false, true],
      CACHED: [false, true],
      ...scoreSwitches,
      ...more.constants,
    },
  });
}

/** Where heads, and the rows that they are columns of, are of any length. */
const singly = [element1, keyValueStorage];
/** Where they begin at multiples of four. */
const byFours = [element4, keyValue4Storage];
const registers = [
  attentionFour,
  {
    file: 'attention-softmax.wgsl',
    text: late(() => import('./attention-softmax.wgsl?raw'), 'software'),
  },
];
const one = {
  file: 'attention-one.wgsl',
  text: late(() => import('./attention-one.wgsl?raw'), 'gpu'),
};
const fours = {
  file: 'attention-fours.wgsl',
  text: late(() => import('./attention-fours.wgsl?raw'), 'gpu'),
};
const tileBody = {
  file: 'attention-tile.wgsl',
  text: late(() => import('./attention-tile.wgsl?raw'), 'gpu'),
};
/** Pieces of 32 columns that heads are cut into. */
const chunks = [1, 2, 3];

type Form = 'subgroup' | 'register' | 'registerFours' | 'tile' | 'tileFours';

export const attentionForms: Readonly<Record<Form, Kernel>> = {
  subgroup: attentionKernel(
    'attention-subgroup',
    [
      ...singly,
      {
        file: 'attention-subgroup.wgsl',
        text: late(() => import('./attention-subgroup.wgsl?raw'), 'software'),
      },
    ],
    { subgroups: true },
  ),
  register: attentionKernel('attention-register', [
    attentionContent,
    ...singly,
    ...registers,
    {
      file: 'attention-register.wgsl',
      text: late(() => import('./attention-register.wgsl?raw'), 'software'),
    },
  ]),
  registerFours: attentionKernel('attention-register-fours', [
    ...byFours,
    ...registers,
    {
      file: 'attention-register-fours.wgsl',
      text: late(() => import('./attention-register-fours.wgsl?raw'), 'software'),
    },
  ]),
  tile: attentionKernel('attention-tile', [attentionContent, ...singly, one, tileBody], {
    constants: { CHUNKS: chunks },
  }),
  tileFours: attentionKernel(
    'attention-tile-fours',
    [attentionContent, ...byFours, fours, tileBody],
    {
      entry: 'attention_tile',
      constants: { CHUNKS: chunks, WHOLE: [false, true] },
    },
  ),
};

export const attentionWeights: Kernel = kernel({
  name: 'attention-weights',
  code: [
    workgroup,
    numbers,
    attentionScore,
    attentionContent,
    { file: 'attention-weights.wgsl', text: late(() => import('./attention-weights.wgsl?raw')) },
  ],
  bindings: {
    q: 'read',
    k: 'read',
    key_mask: 'read',
    lse: 'read',
    bias: 'read',
    weights: 'write',
  },
  params: { ...shape, ...scoreParams },
  constants: { CAUSAL: [false, true], SCORES: [false, true], ...scoreSwitches },
});

export const attentionKernels: readonly Kernel[] = [
  ...Object.values(attentionForms),
  attentionWeights,
];
