// The gradient of token embedding: each row of the table sums up the tokens that used it.

import { kernel, type Kernel } from '../runtime/kernel.ts';
import { elements, type Tensor } from '../runtime/tensor.ts';
import backwardText from './embedding-backward.wgsl?raw';
import linksText from './embedding-links.wgsl?raw';
import { workgroup } from './snippets.ts';
import type { Rule } from './traces.ts';

const linksKernel = kernel({
  name: 'embedding-links',
  code: [workgroup, { file: 'embedding-links.wgsl', text: linksText }],
  bindings: { ids: 'read', links: 'write' },
  params: { tokens: 'u32', vocabulary: 'u32' },
});

const backwardKernel = kernel({
  name: 'embedding-backward',
  code: [workgroup, { file: 'embedding-backward.wgsl', text: backwardText }],
  bindings: { links: 'read', dy: 'read', dtable: 'write' },
  params: { tokens: 'u32', columns: 'u32', vocabulary: 'u32', scale: 'f32' },
});

export const embeddingGradientKernels: readonly Kernel[] = [linksKernel, backwardKernel];

/**
 * Chains the tokens of each word: for each token the one before it with the same id, then for each
 * word its last one; 2³² - 1 where there is none. ids: u32. Result: u32 (tokens + vocabulary).
 */
export function embeddingLinks(ids: Tensor, vocabulary: number): Tensor {
  const tokens = elements(ids.shape);
  const links = ids.recording.transient('embedding links', [tokens + vocabulary], 'u32');
  ids.recording.dispatch({
    kernel: linksKernel,
    bindings: { ids, links },
    params: { tokens, vocabulary },
    workgroups: Math.ceil((tokens + vocabulary) / 64),
  });
  return links;
}

/** Tables of positions have no gradient. */
export const embeddingGradient: Rule<'embedding'> = ({ trace: { ids, table, scale } }, dy) => {
  const dTableOf = (): Tensor => {
    const { recording } = dy;
    const [vocabulary, columns] = [table.size(0), table.size(-1)];
    const links = embeddingLinks(ids, vocabulary);
    const dtable = recording.transient(`d ${table.label}`, table.shape);
    recording.dispatch({
      kernel: backwardKernel,
      bindings: { links, dy, dtable },
      params: { tokens: elements(ids.shape), columns, vocabulary, scale },
      workgroups: Math.ceil(elements(table.shape) / 64),
    });
    return dtable;
  };
  return [[table, dTableOf]];
};
