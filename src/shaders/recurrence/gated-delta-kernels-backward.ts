// The kernels of the gradient of the gated delta rule: two scans over chunks, one forward again and one backward, and what
// is made of them chunk by chunk.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { allForms, type RowKernel, rowKernel } from '../rows/row-kernel.ts';
import { workgroup } from '../snippets.ts';
import decaysText from './gated-delta-backward-decays.wgsl?raw';
import gatesText from './gated-delta-backward-gates.wgsl?raw';
import keysText from './gated-delta-backward-keys.wgsl?raw';
import scanText from './gated-delta-backward-scan.wgsl?raw';
import scoresText from './gated-delta-backward-scores.wgsl?raw';
import solveText from './gated-delta-backward-solve.wgsl?raw';
import statesText from './gated-delta-backward-states.wgsl?raw';
import termsText from './gated-delta-backward-terms.wgsl?raw';
import { chunkSize, deltaRates } from './gated-delta-kernels.ts';
import unitText from './unit-heads-backward.wgsl?raw';
import { unitParams } from './unit-heads.ts';

const CHUNK = [chunkSize];
const sizes = {
  tokens: 'u32',
  heads: 'u32',
  key_size: 'u32',
  value_size: 'u32',
  chunks: 'u32',
  first: 'u32',
} as const;

/** Of one text, and what it shares with others. */
const code = (name: string, text: string): Parameters<typeof kernel>[0]['code'] => [
  workgroup,
  { file: `gated-delta-backward-${name}.wgsl`, text },
];

export const statesKernel: Kernel = kernel({
  name: 'gated-delta-backward-states',
  code: code('states', statesText),
  bindings: { terms: 'read', gates: 'read', carry: 'write', states: 'write', values: 'write' },
  params: { batches: 'u32', heads: 'u32', key_size: 'u32', value_size: 'u32', chunks: 'u32' },
  constants: { CHUNK, BEGINS: [false, true] },
});

export const scanKernel: Kernel = kernel({
  name: 'gated-delta-backward-scan',
  code: code('scan', scanText),
  bindings: {
    terms: 'read',
    scores: 'read',
    gates: 'read',
    dy: 'read',
    carry: 'write',
    d_states: 'write',
    d_values: 'write',
  },
  params: { batches: 'u32', ...sizes },
  constants: { CHUNK, ENDS: [false, true] },
});

export const termsKernel: Kernel = kernel({
  name: 'gated-delta-backward-terms',
  code: code('terms', termsText),
  bindings: {
    dy: 'read',
    states: 'read',
    d_states: 'read',
    values: 'read',
    d_values: 'read',
    d_terms: 'write',
    d_stays: 'write',
  },
  params: { size: 'u32', ...sizes },
  constants: { CHUNK },
});

export const solveKernel: Kernel = kernel({
  name: 'gated-delta-backward-solve',
  code: code('solve', solveText),
  bindings: {
    gates: 'read',
    scores: 'read',
    d_values: 'read',
    d_terms: 'read',
    d_right: 'write',
    dx: 'write',
  },
  params: { blocks: 'u32', ...sizes, pitch: 'u32', column: 'u32' },
  constants: { CHUNK },
});

export const scoresKernel: Kernel = kernel({
  name: 'gated-delta-backward-scores',
  code: code('scores', scoresText),
  bindings: { terms: 'read', values: 'read', dy: 'read', d_right: 'read', d_scores: 'write' },
  params: { size: 'u32', ...sizes },
  constants: { CHUNK },
});

export const keysKernel: Kernel = kernel({
  name: 'gated-delta-backward-keys',
  code: code('keys', keysText),
  bindings: {
    qk: 'read',
    gates: 'read',
    d_terms: 'read',
    d_right: 'read',
    d_scores: 'read',
    d_qk: 'write',
  },
  params: {
    batches: 'u32',
    tokens: 'u32',
    heads: 'u32',
    key_heads: 'u32',
    key_size: 'u32',
    value_size: 'u32',
    chunks: 'u32',
    first: 'u32',
    own: 'u32',
  },
  constants: { CHUNK },
});

export const decaysKernel: Kernel = kernel({
  name: 'gated-delta-backward-decays',
  code: code('decays', decaysText),
  bindings: {
    qk: 'read',
    x: 'read',
    gates: 'read',
    scores: 'read',
    d_terms: 'read',
    d_right: 'read',
    d_scores: 'read',
    d_gates: 'write',
  },
  params: {
    rows: 'u32',
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

export const gatesKernel: Kernel = kernel({
  name: 'gated-delta-backward-gates',
  code: [workgroup, deltaRates, { file: 'gated-delta-backward-gates.wgsl', text: gatesText }],
  bindings: {
    x: 'read',
    weight: 'read',
    gates: 'read',
    d_gates: 'read',
    d_stays: 'read',
    dx: 'write',
    d_rates: 'write',
  },
  params: {
    batches: 'u32',
    tokens: 'u32',
    heads: 'u32',
    key_size: 'u32',
    chunks: 'u32',
    first: 'u32',
    own: 'u32',
    pitch: 'u32',
    column: 'u32',
  },
  constants: { CHUNK },
});

export const unitForms: RowKernel = rowKernel({
  name: 'unit-heads-backward',
  code: [workgroup, { file: 'unit-heads-backward.wgsl', text: unitText }],
  bindings: { x: 'read', dy: 'read', dx: 'write' },
  params: unitParams,
});

export const gatedDeltaBackwardKernels: readonly Kernel[] = [
  statesKernel,
  scanKernel,
  termsKernel,
  solveKernel,
  scoresKernel,
  keysKernel,
  decaysKernel,
  gatesKernel,
  ...allForms(unitForms),
];
