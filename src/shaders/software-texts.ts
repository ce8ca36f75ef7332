// Texts for CPU adapters, which GPUs do not load.

import attentionRegister from './attention-register.wgsl?raw';
import attentionSubgroup from './attention-subgroup.wgsl?raw';
import matmulBlock from './matmul-block.wgsl?raw';
import matmulRegister from './matmul-register.wgsl?raw';
import matmulSubgroup from './matmul-subgroup.wgsl?raw';
import matmulSubgroupSkinny from './matmul-subgroup-skinny.wgsl?raw';

export const texts: Readonly<
  Record<
    | 'attentionRegister'
    | 'attentionSubgroup'
    | 'matmulBlock'
    | 'matmulRegister'
    | 'matmulSubgroup'
    | 'matmulSubgroupSkinny',
    string
  >
> = {
  attentionRegister,
  attentionSubgroup,
  matmulBlock,
  matmulRegister,
  matmulSubgroup,
  matmulSubgroupSkinny,
};
