// Texts for GPUs, which CPU adapters do not load.

import attentionTile from './attention-tile.wgsl?raw';
import matmulSkinny from './matmul-skinny.wgsl?raw';
import matmulTile from './matmul-tile.wgsl?raw';

export const texts: Readonly<Record<'attentionTile' | 'matmulSkinny' | 'matmulTile', string>> = {
  attentionTile,
  matmulSkinny,
  matmulTile,
};
