// The gradient of embeddings: each row of a table sums up the tokens that used it.

import type { InputGradient } from '../../runtime/gradient.ts';
import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { partsOf, rowsOf, transientLike } from '../../runtime/parts.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import backwardText from './embedding-backward.wgsl?raw';
import linksText from './embedding-links.wgsl?raw';
import { workgroup } from '../snippets.ts';
import type { EmbeddingEntry } from './embedding.ts';
import type { Rule } from '../traces.ts';

const linksKernel = kernel({
  name: 'embedding-links',
  code: [{ file: 'embedding-links.wgsl', text: linksText }],
  bindings: { ids: 'read', links: 'write' },
  params: { tokens: 'u32', vocabulary: 'u32', stride: 'u32', offset: 'u32' },
});

const backwardKernel = kernel({
  name: 'embedding-backward',
  code: [workgroup, { file: 'embedding-backward.wgsl', text: backwardText }],
  bindings: { links: 'read', dy: 'read', dtable: 'write' },
  params: {
    tokens: 'u32',
    columns: 'u32',
    vocabulary: 'u32',
    first: 'u32',
    padding: 'u32',
    scale: 'f32',
  },
});

export const embeddingBackwardKernels: readonly Kernel[] = [linksKernel, backwardKernel];

/**
 * Chains the tokens of each word: for each token the one before it with the same id, then for each
 * word its last one; 2³² - 1 where there is none. ids: u32, of which each token has the first of
 * several, and to which `offset` is added. Result: u32 (tokens + vocabulary).
 */
export function embeddingLinks(
  ids: Tensor,
  vocabulary: number,
  { tokens = elements(ids.shape), offset = 0 }: { tokens?: number; offset?: number } = {},
): Tensor {
  const links = ids.recording.transient('embedding links', [tokens + vocabulary], 'u32');
  ids.recording.dispatch({
    kernel: linksKernel,
    bindings: { ids, links },
    params: { tokens, vocabulary, stride: elements(ids.shape) / tokens, offset },
    workgroups: 1,
  });
  return links;
}

export const embeddingBackward: Rule<EmbeddingEntry> = ({ trace }, dy) => {
  const { ids, table, scale: factor, beside, positions } = trace;
  const none = 2 ** 32 - 1;
  const { recording } = dy;
  const tokens = elements(ids.shape) / beside.words;
  const dTableOf = (
    rows: Tensor,
    of: Tensor,
    {
      scale,
      offset,
      padding = none,
    }: { scale: number; offset: number; padding?: number | undefined },
  ): Tensor => {
    const columns = of.size(-1);
    const links = embeddingLinks(rows, rowsOf(of), { tokens, offset });
    const whole = transientLike(of, { label: `d ${of.label}`, recording });
    for (const { tensor: dtable, first: row, rows: vocabulary } of partsOf(whole)) {
      recording.dispatch({
        kernel: backwardKernel,
        bindings: { links, dy, dtable },
        params: {
          tokens,
          columns,
          vocabulary,
          first: row,
          padding: padding < 0 ? rowsOf(of) + padding : padding,
          scale,
        },
        workgroups: Math.ceil(elements(dtable.shape) / 64),
      });
    }
    return whole;
  };
  const own: InputGradient = [
    table,
    () => dTableOf(ids, table, { scale: factor, offset: beside.offset, padding: trace.padding }),
  ];
  if (positions === undefined) return [own];
  const { position, offset: start = 0, padding } = positions;
  return [
    own,
    [
      positions.table,
      () => dTableOf(position, positions.table, { scale: 1, offset: start, padding }),
    ],
  ];
};
