// The methods whose files are read: a file each, and its place in the table.

import type { TensorEntry } from '../../../source/safetensors.ts';
import type { Config } from '../../config.ts';
import type { Packed, PackedEntry } from '../packed-entry.ts';
import { quantizationFields } from '../quantization-fields.ts';
import { awq } from './awq.ts';
import { bitsandbytes } from './bitsandbytes.ts';
import { compressedTensors } from './compressed-tensors.ts';
import { fbgemmFp8, fp8 } from './fp8.ts';
import { gguf } from './gguf.ts';
import { gptq } from './gptq.ts';
import { mlx } from './mlx.ts';
import { mxfp4 } from './mxfp4.ts';
import {
  invalid,
  type Layout,
  type Method,
  type StoredMatrix,
  type StoredModule,
  valuesIn,
} from './method.ts';
import { fieldOf, methodIn, quantizedConfig, quantizedWithout } from './refusal.ts';

const methods: readonly Method[] = [
  gptq,
  awq,
  mlx,
  bitsandbytes,
  compressedTensors,
  fp8,
  fbgemmFp8,
  mxfp4,
  gguf,
];

/**
 * How the settings of a config.json say that weights are laid out.
 * @throws TransformerError MODEL_UNSUPPORTED, CONFIG_INVALID
 */
export function layoutOf(config: Config): Layout & { readonly name: string } {
  const field = fieldOf(config.fields);
  // They say the same where there are several.
  for (const name of quantizationFields) config.get(name);
  const name = methodIn(config.fields[field]);
  const method = methods.find((each) => each.name === name);
  if (method === undefined) throw quantizedConfig(config.fields, config.file);
  return { name: method.name, ...method.read(config.section(field, ` of ${method.name}`)) };
}

/**
 * The tensors of a checkpoint with each weight in one that is packed, under the name of a plain one.
 * @throws TransformerError MODEL_UNSUPPORTED, CONFIG_INVALID, FILE_INVALID
 */
export function withPacked(
  entries: ReadonlyMap<string, TensorEntry>,
  config: Config,
): ReadonlyMap<string, TensorEntry> {
  const { name, ends, ignored = [], matrixOf } = layoutOf(config);
  const modules = modulesIn(entries, ends);
  if (modules.size === 0) throw quantizedWithout(config, name);
  const isIgnored = (tensor: string): boolean => ignored.some((end) => tensor.endsWith(end));
  const result = new Map([...entries].filter(([tensor]) => !isIgnored(tensor)));
  const packed: PackedEntry[] = [];
  for (const [module, own] of modules) {
    for (const entry of own.values()) result.delete(entry.name);
    packed.push(packedEntry(own, matrixOf(moduleOf(module, own)), `${module}.weight`));
  }
  for (const entry of packed) result.set(entry.name, entry);
  return result;
}

type Ends = ReadonlyMap<string, TensorEntry>;

/** The tensors of each module that has more than a weight, by the ends of their names. */
function modulesIn(
  entries: ReadonlyMap<string, TensorEntry>,
  ends: readonly string[],
): Map<string, Ends> {
  const modules = new Map<string, Map<string, TensorEntry>>();
  for (const end of ends) {
    for (const [name, entry] of entries) {
      if (!name.endsWith(end)) continue;
      const module = name.slice(0, -end.length);
      const own = modules.get(module) ?? new Map<string, TensorEntry>();
      modules.set(module, own.set(end, entry));
    }
  }
  for (const [module, own] of modules) {
    if (own.size === 1 && own.has('.weight')) modules.delete(module);
  }
  return modules;
}

function moduleOf(name: string, own: Ends): StoredModule {
  return {
    name,
    get: (end) => own.get(end),
    need: (end, ...dtypes) => {
      const entry = own.get(end);
      if (entry === undefined) {
        throw invalid(`There is no tensor "${name}${end}" beside "${[...own.values()][0]?.name}".`);
      }
      if (dtypes.includes(entry.dtype)) return entry;
      throw invalid(
        `Tensor "${entry.name}" is stored as ${entry.dtype}; wanted ${dtypes.join(' or ')}.`,
      );
    },
  };
}

function packedEntry(own: Ends, matrix: StoredMatrix, usualName: string): PackedEntry {
  const { name = usualName, rows, columns, dtype, code, codes, isOrdered = false, check } = matrix;
  const others = new Map([...own].filter(([, entry]) => entry !== code));
  const share: Packed['share'] = (bytesOf) => matrix.share(valuesIn(others, bytesOf));
  const packed = { dtype, codes, code, others, isOrdered, share, check };
  // One entry for each shape, by which it is known.
  const known = new Map<string, PackedEntry | undefined>();
  const reshaped = (shape: readonly number[]): PackedEntry | undefined => {
    const key = shape.join();
    if (!known.has(key)) {
      const other = matrix.reshaped?.(shape);
      known.set(key, other && packedEntry(own, other, name));
    }
    return known.get(key);
  };
  return { ...code, name, shape: [rows, columns], packed, ...(matrix.reshaped && { reshaped }) };
}
