// The gradient of a bias by distance is the sum of those of all scores of one distance. Their pairs lie on a diagonal,
// so a tile of sums goes down a diagonal of tiles; then what each distance has there is gathered.

import { kernel, type Kernel } from '../../../runtime/kernel.ts';
import type { Tensor } from '../../../runtime/tensor.ts';
import { workgroup } from '../../snippets.ts';
import text from './attention-backward-distance.wgsl?raw';

export const distanceKernel: Kernel = kernel({
  name: 'attention-backward-distance',
  code: [workgroup, { file: 'attention-backward-distance.wgsl', text }],
  bindings: { dscores: 'read', dbias: 'write' },
  params: {
    batches: 'u32',
    heads: 'u32',
    diagonals: 'u32',
    size: 'u32',
    first: 'u32',
    distances: 'u32',
  },
});

/**
 * Sums of what each diagonal of tiles has of each distance, (B, heads, diagonals, 2 · size): the first one is that of
 * the last of `queryTiles` tiles of queries and the first tile of keys. Distances beyond the first and the last one
 * count as these. Result: (distances, heads).
 */
export function sumByDistance(
  dscores: Tensor,
  { queryTiles, distances }: { readonly queryTiles: number; readonly distances: number },
): Tensor {
  const { recording } = dscores;
  const [batches, heads, diagonals] = [dscores.size(0), dscores.size(1), dscores.size(2)];
  const size = dscores.size(3) / 2;
  const dbias = recording.transient('d bias', [distances, heads]);
  recording.dispatch({
    kernel: distanceKernel,
    bindings: { dscores, dbias },
    params: { batches, heads, diagonals, size, first: queryTiles * size - 1, distances },
    workgroups: Math.ceil((distances * heads) / 64),
  });
  return dbias;
}
