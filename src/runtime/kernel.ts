// Kernel declarations: what a WGSL file binds, which scalars it takes, which switches it has.
// A declaration is plain data; devices compile it on demand (pipelines.ts).

import type { Dtype } from './dtype.ts';
import type { Tensor } from './tensor.ts';

/** A piece of WGSL and the file it stands in. */
export interface Snippet {
  readonly file: string;
  /** The text, or what loads it where few programs need it. */
  readonly text: string | (() => Promise<string>);
}

/** Pieces of WGSL that differ by the storage format of the tensor bound as `binding`. */
export interface StorageSnippet {
  readonly binding: string;
  readonly formats: Partial<Record<Dtype, readonly Snippet[]>>;
}

/** `read` is read-only storage, `write` is read_write storage. */
export type Access = 'read' | 'write';

/** A switch or size fixed when the pipeline is made: it becomes a `const` line before the text. */
export type Constant = number | boolean;
export type Constants = Readonly<Record<string, Constant>>;

export interface Kernel {
  /** Name of the shader file, the entry point (with `_` for `-`) and the pipeline. */
  readonly name: string;
  /** The operation it carries out; kernels of different tiers share one. Names the reference twin. */
  readonly operation: string;
  readonly code: readonly (Snippet | StorageSnippet)[];
  /** Storage bindings in order; binding 0 is the params, these follow. */
  readonly bindings: Readonly<Record<string, Access>>;
  /** Fields of the WGSL `struct Params`, in order. */
  readonly params: Readonly<Record<string, 'u32' | 'f32'>>;
  /** Every switch with the values it may take (for sizes: samples that tests compile). */
  readonly constants: Readonly<Record<string, readonly Constant[]>>;
  /** Whether the text uses subgroup operations. */
  readonly subgroups: boolean;
  /** Whether it multiplies subgroup matrices of f16, which takes subgroup operations, too. */
  readonly matrices: boolean;
  /** The entry point; the name with `_` for `-` when absent. */
  readonly entry?: string;
}

export function kernel(
  declaration: Pick<Kernel, 'name' | 'code' | 'bindings' | 'params'> & Partial<Kernel>,
): Kernel {
  return {
    operation: declaration.name,
    constants: {},
    subgroups: false,
    matrices: false,
    ...declaration,
  };
}

/** A kernel with every choice made: this is what a pipeline is compiled from. */
export interface Variant {
  readonly key: string;
  readonly kernel: Kernel;
  readonly snippets: readonly Snippet[];
}

const matrixDirectives = [
  'enable f16;',
  'enable chromium_experimental_subgroup_matrix;',
  'requires subgroup_id;',
];

/** Fixes the switches of a kernel and the storage formats of its tensors. */
export function variantOf(
  declaration: Kernel,
  constants: Constants,
  formats: Readonly<Record<string, Dtype>>,
): Variant {
  const lines: string[] = declaration.subgroups ? ['enable subgroups;'] : [];
  if (declaration.matrices) lines.push(...matrixDirectives);
  for (const name of Object.keys(declaration.constants)) {
    const value = constants[name];
    if (value === undefined) throw new RangeError(`${declaration.name}: ${name} is not set`);
    lines.push(`const ${name} = ${typeof value === 'number' ? `${value}u` : value};`);
  }
  const snippets: Snippet[] = [{ file: 'constants', text: lines.join('\n') }];
  for (const part of declaration.code) {
    if ('text' in part) {
      snippets.push(part);
      continue;
    }
    const format = formats[part.binding] ?? 'f32';
    const own = part.formats[format];
    if (own === undefined) {
      throw new RangeError(`${declaration.name}: ${part.binding} cannot be stored as ${format}`);
    }
    snippets.push(...own);
  }
  const key = `${declaration.name}|${lines.join('')}|${snippets.map((s) => s.file).join()}`;
  return { key, kernel: declaration, snippets };
}

/** The storage formats of a dispatch's tensors, for the kernels whose text depends on them. */
export function formatsOf(
  bindings: Readonly<Record<string, Tensor | undefined>>,
): Record<string, Dtype> {
  const formats: Record<string, Dtype> = {};
  for (const [name, tensor] of Object.entries(bindings)) {
    if (tensor !== undefined) formats[name] = tensor.dtype;
  }
  return formats;
}

/** WGSL entry point of a kernel. */
export function entryPoint(declaration: Kernel): string {
  return declaration.entry ?? declaration.name.replaceAll('-', '_');
}
