// The kernels of the gated delta rule: four for chunks of tokens, one for a single token.

import { kernel, type Kernel, type Snippet } from '../../runtime/kernel.ts';
import { late, workgroup } from '../snippets.ts';
import { memoryParams, memorySwitches, tokenMemory } from './token-memory.ts';

/** Tokens of a chunk. */
export const chunkSize = 32;

const CHUNK = [chunkSize];
/** What gates are made of. */
export const deltaRates: Snippet = {
  file: 'delta-rates.wgsl',
  text: late(() => import('./delta-rates.wgsl?raw')),
};

export const gatesKernel: Kernel = kernel({
  name: 'delta-gates',
  code: [
    workgroup,
    deltaRates,
    { file: 'delta-gates.wgsl', text: late(() => import('./delta-gates.wgsl?raw')) },
  ],
  bindings: { x: 'read', weight: 'read', place: 'read', gates: 'write' },
  params: {
    batches: 'u32',
    tokens: 'u32',
    capacity: 'u32',
    heads: 'u32',
    chunks: 'u32',
    first: 'u32',
    pitch: 'u32',
    column: 'u32',
  },
  constants: { CHUNK, CACHED: [false, true] },
});

export const scoresKernel: Kernel = kernel({
  name: 'delta-scores',
  code: [
    workgroup,
    { file: 'delta-scores.wgsl', text: late(() => import('./delta-scores.wgsl?raw')) },
  ],
  bindings: { qk: 'read', gates: 'read', scores: 'write' },
  params: {
    rows: 'u32',
    tokens: 'u32',
    heads: 'u32',
    key_heads: 'u32',
    key_size: 'u32',
    chunks: 'u32',
    first: 'u32',
  },
  constants: { CHUNK },
});

export const solveKernel: Kernel = kernel({
  name: 'delta-solve',
  code: [
    workgroup,
    { file: 'delta-solve.wgsl', text: late(() => import('./delta-solve.wgsl?raw')) },
  ],
  bindings: { qk: 'read', x: 'read', gates: 'read', scores: 'read', terms: 'write' },
  params: {
    blocks: 'u32',
    tokens: 'u32',
    heads: 'u32',
    key_heads: 'u32',
    key_size: 'u32',
    value_size: 'u32',
    chunks: 'u32',
    first: 'u32',
    pitch: 'u32',
    column: 'u32',
  },
  constants: { CHUNK },
});

export const scanKernel: Kernel = kernel({
  name: 'delta-scan',
  code: [
    workgroup,
    tokenMemory,
    { file: 'delta-scan.wgsl', text: late(() => import('./delta-scan.wgsl?raw')) },
  ],
  bindings: {
    terms: 'read',
    scores: 'read',
    gates: 'read',
    place: 'read',
    table: 'read',
    cache: 'write',
    y: 'write',
  },
  params: {
    ...memoryParams,
    heads: 'u32',
    key_size: 'u32',
    value_size: 'u32',
    chunks: 'u32',
    first: 'u32',
  },
  constants: { CHUNK, CACHED: [false, true], BEGINS: [false, true], ...memorySwitches },
});

export const stepKernel: Kernel = kernel({
  name: 'delta-step',
  code: [
    workgroup,
    tokenMemory,
    deltaRates,
    { file: 'delta-step.wgsl', text: late(() => import('./delta-step.wgsl?raw')) },
  ],
  bindings: {
    qkv: 'read',
    x: 'read',
    weight: 'read',
    place: 'read',
    table: 'read',
    cache: 'write',
    y: 'write',
  },
  params: {
    ...memoryParams,
    heads: 'u32',
    key_heads: 'u32',
    key_size: 'u32',
    value_size: 'u32',
    pitch: 'u32',
    column: 'u32',
    eps: 'f32',
    scale: 'f32',
  },
  constants: { ...memorySwitches },
});

export const gatedDeltaKernels: readonly Kernel[] = [
  gatesKernel,
  scoresKernel,
  solveKernel,
  scanKernel,
  stepKernel,
];
