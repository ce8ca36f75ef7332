// Kernels that reduce along rows are written once; only how the lanes of a row exchange values
// differs between tiers (row-*.wgsl).

import type { Gpu } from '../runtime/gpu.ts';
import { kernel, type Kernel } from '../runtime/kernel.ts';
import { rowInvocation, rowSubgroup, rowWorkgroup } from './snippets.ts';

export interface RowKernel {
  readonly invocation: Kernel;
  readonly subgroup: Kernel;
  readonly workgroup: Kernel;
}

type RowDeclaration = Parameters<typeof kernel>[0];

/** Declares the three forms of a row kernel. */
export function rowKernel(declaration: RowDeclaration): RowKernel {
  const { name, code } = declaration;
  const form = (suffix: string, row: typeof rowSubgroup): Kernel =>
    kernel({
      ...declaration,
      name: `${name}-${suffix}`,
      operation: declaration.operation ?? name,
      entry: declaration.entry ?? name.replaceAll('-', '_'),
      subgroups: suffix === 'subgroup',
      code: [row, ...code],
    });
  return {
    invocation: form('invocation', rowInvocation),
    subgroup: form('subgroup', rowSubgroup),
    workgroup: form('workgroup', rowWorkgroup),
  };
}

/** The form for a device, and its workgroups for a number of rows. */
export function rowForm(
  forms: RowKernel,
  gpu: Gpu,
  rows: number,
): { kernel: Kernel; workgroups: number } {
  if (gpu.tier === 'gpu') return { kernel: forms.workgroup, workgroups: rows };
  if (gpu.hasQuadSubgroups) return { kernel: forms.subgroup, workgroups: rows };
  return { kernel: forms.invocation, workgroups: Math.ceil(rows / 16) };
}

export function allForms({ invocation, subgroup, workgroup }: RowKernel): Kernel[] {
  return [invocation, subgroup, workgroup];
}
