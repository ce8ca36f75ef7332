// The methods whose files are read: a file each, and its place in the table.

import { isObject } from '../../../source/json.ts';
import type { TensorEntry } from '../../../source/safetensors.ts';
import type { Config } from '../../config.ts';
import type { PackedEntry } from '../packed-entry.ts';
import { quantizationFields } from '../quantization-fields.ts';
import { gptq } from './gptq.ts';
import {
  invalid,
  type Layout,
  type Method,
  type StoredMatrix,
  type StoredModule,
  valuesIn,
} from './method.ts';
import { fieldOf, quantizedConfig, quantizedWithout } from './refusal.ts';

/** By `quant_method`. */
const methods: Readonly<Record<string, Method>> = { gptq };

/**
 * How the settings of a config.json say that weights are laid out.
 * @throws TransformerError MODEL_UNSUPPORTED, CONFIG_INVALID
 */
export function layoutOf(config: Config): Layout & { readonly name: string } {
  const field = fieldOf(config.fields);
  // They say the same where there are several.
  for (const name of quantizationFields) config.get(name);
  const settings = config.fields[field];
  const given = isObject(settings) ? settings['quant_method'] : undefined;
  const method = typeof given === 'string' ? methods[given] : undefined;
  if (method === undefined) throw quantizedConfig(config.fields, config.file);
  const { name } = method;
  return { name, ...method.read(config.section(field, ` of ${name}`)) };
}

/**
 * The tensors of a checkpoint with each weight in one that is packed, under the name of a plain one.
 * @throws TransformerError MODEL_UNSUPPORTED, CONFIG_INVALID, FILE_INVALID
 */
export function withPacked(
  entries: ReadonlyMap<string, TensorEntry>,
  config: Config,
): ReadonlyMap<string, TensorEntry> {
  const { name, ends, matrixOf } = layoutOf(config);
  const modules = modulesIn(entries, ends);
  if (modules.size === 0) throw quantizedWithout(config, name);
  const result = new Map(entries);
  const packed: PackedEntry[] = [];
  for (const [module, own] of modules) {
    for (const entry of own.values()) result.delete(entry.name);
    packed.push(packedEntry(own, matrixOf(moduleOf(module, own)), `${module}.weight`));
  }
  for (const entry of packed) result.set(entry.name, entry);
  return result;
}

type Ends = ReadonlyMap<string, TensorEntry>;

/** The tensors of each module that has any besides a weight, by the ends of their names. */
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

function packedEntry(own: Ends, matrix: StoredMatrix, name: string): PackedEntry {
  const { rows, columns, dtype, code, codes, isOrdered = false, share } = matrix;
  const others = new Map([...own].filter(([, entry]) => entry !== code));
  return {
    ...code,
    name,
    shape: [rows, columns],
    packed: {
      dtype,
      codes,
      code,
      others,
      isOrdered,
      share: (bytesOf) => share(valuesIn(others, bytesOf)),
    },
  };
}
