// How the command line says which forms of kernels a device gets.

import type { Gpu } from '../../index.node.ts';

/** What is chosen by what the device can do; which kernels ran is told by each check. */
export function formsLine({ info, hasSubgroups, hasQuadSubgroups }: Gpu): string {
  const { tier, matrices } = info;
  if (tier === 'software') {
    if (hasQuadSubgroups) return 'in registers, shared by subgroups of 4';
    return `in registers, four neighbours a load${hasSubgroups ? ', rows shared by lanes' : ''}`;
  }
  const rows = hasSubgroups ? 'subgroups of any size' : 'workgroups';
  const products =
    matrices === undefined
      ? 'tiles'
      : `tiles, with weights of f16 by matrix units (${matrices.M} × ${matrices.N} × ${matrices.K})`;
  return `in workgroup memory, rows by ${rows}, products by ${products}`;
}
