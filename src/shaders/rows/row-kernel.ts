// Kernels that reduce along rows are written once; only how the lanes of a row exchange values
// differs between tiers (row-*.wgsl).

import type { Gpu } from '../../runtime/gpu.ts';
import { kernel, type Kernel, type Snippet } from '../../runtime/kernel.ts';
import { formOfWidth, type Widths, widthOf } from '../elementwise/element-kernel.ts';
import { rowInvocation, rowSubgroup, rowSubgroups, rowWorkgroup } from '../snippets.ts';

export interface RowKernel {
  readonly invocation: Kernel;
  readonly subgroup: Kernel;
  readonly workgroup: Kernel;
  /** A workgroup with subgroups of any size; absent where the other has no such form. */
  readonly subgroups?: Kernel;
}

type RowDeclaration = Parameters<typeof kernel>[0];

/** Declares the four forms of a row kernel. */
export function rowKernel(declaration: RowDeclaration): RowKernel {
  const { name, code } = declaration;
  const form = (suffix: string, row: Snippet): Kernel =>
    kernel({
      ...declaration,
      name: `${name}-${suffix}`,
      operation: declaration.operation ?? name,
      entry: declaration.entry ?? name.replaceAll('-', '_'),
      subgroups: suffix.startsWith('subgroup'),
      code: [row, ...code],
    });
  return {
    invocation: form('invocation', rowInvocation),
    subgroup: form('subgroup', rowSubgroup),
    workgroup: form('workgroup', rowWorkgroup),
    subgroups: form('subgroups', rowSubgroups),
  };
}

/**
 * Turns of loops that an invocation may take on CPU adapters without subgroups. Mesa's driver leaves
 * every loop once those of an invocation have come to 65535 turns together.
 */
const mostTurns = 50_000;

/**
 * The form for a device, and its workgroups for a number of rows. `turns`: those of all loops where one
 * invocation does a row; to be given for rows as long as a vocabulary.
 */
export function rowForm(
  forms: RowKernel,
  gpu: Gpu,
  rows: number,
  turns = 0,
): { kernel: Kernel; workgroups: number } {
  const isLong = turns > mostTurns && !gpu.hasQuadSubgroups;
  const isGpu = gpu.tier === 'gpu';
  if (isGpu && gpu.hasSubgroups && forms.subgroups !== undefined) {
    return { kernel: forms.subgroups, workgroups: rows };
  }
  if (isGpu || isLong) return { kernel: forms.workgroup, workgroups: rows };
  if (gpu.hasQuadSubgroups) return { kernel: forms.subgroup, workgroups: rows };
  return { kernel: forms.invocation, workgroups: Math.ceil(rows / 16) };
}

export function allForms({ invocation, subgroup, workgroup, subgroups }: RowKernel): Kernel[] {
  return [invocation, subgroup, workgroup, ...(subgroups ? [subgroups] : [])];
}

/** The form for rows of `columns`, in fours where these allow it. */
export function rowFormOfWidth(
  forms: Widths<RowKernel>,
  gpu: Gpu,
  rows: number,
  columns: number,
): { kernel: Kernel; workgroups: number } {
  return rowForm(formOfWidth(forms, widthOf(columns)), gpu, rows);
}

export function allWidths({ singly, fours }: Widths<RowKernel>): Kernel[] {
  return [...allForms(singly), ...allForms(fours)];
}
