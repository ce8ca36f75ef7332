// compressed-tensors, of vLLM's LLM Compressor: integers in words along rows of (out, in), with zero points in
// words along the outputs or plain; integers and floats of 8 bits as they are; MXFP4. Which of them, groups of
// modules say.

import { isObject, show } from '../../../source/json.ts';
import type { StoredDtype, TensorEntry } from '../../../source/safetensors.ts';
import type { Config } from '../../config.ts';
import { floats, tileOf } from './fp8.ts';
import { packedIntegers } from './integers.ts';
import {
  blockSize,
  expectShape,
  floatTypes,
  groupSize,
  headsOf,
  invalid,
  type Layout,
  type Method,
  orderOf,
  sidesOf,
  type StoredMatrix,
  type StoredModule,
} from './method.ts';
import { floatsOfFour } from './mxfp4.ts';

const [packedEnd, codeEnd, scaleEnd] = ['.weight_packed', '.weight', '.weight_scale'];
const [zeroEnd, shapeEnd, groupEnd] = ['.weight_zero_point', '.weight_shape', '.weight_g_idx'];

/** What is left of what was measured, or belongs to activations. */
const ignored = ['input', 'output', 'q', 'k', 'v'].flatMap((name) =>
  ['scale', 'zero_point', 'global_scale'].map((end) => `.${name}_${end}`),
);

const formats = [
  'pack-quantized',
  'int-quantized',
  'naive-quantized',
  'float-quantized',
  'mxfp4-pack-quantized',
  'mxfp8-quantized',
];

export const compressedTensors: Method = { name: 'compressed-tensors', read };

/** How a group of modules is stored. */
interface Scheme {
  readonly isFloat: boolean;
  readonly bits: 2 | 4 | 8;
  /** Columns that share a scale; all of a row when undefined. */
  readonly group: number | undefined;
  readonly tile: readonly [number, number] | undefined;
  readonly isOrdered: boolean;
}

function read(settings: Config): Layout {
  const all = settings.string('format', 'pack-quantized');
  const mixed = all === 'mixed-precision';
  if (!mixed && !formats.includes(all)) settings.refuse('format', formats.join(', '));
  if (isObject(settings.get('sparsity_config'))) {
    const sparse = settings.section('sparsity_config');
    if (sparse.string('format', 'dense') !== 'dense') sparse.refuse('format', '"dense"');
  }
  const turned = settings.get('transform_config') ?? {};
  if (Object.keys(turned).length > 0) settings.refuse('transform_config');
  if ((settings.get('kv_cache_scheme') ?? undefined) !== undefined) {
    settings.warn('keys and values are not rounded as "kv_cache_scheme" says, but stay in f32.');
  }
  const groups = settings.section('config_groups');
  const schemes = Object.keys(groups.fields).map((name) => schemeOf(groups.section(name)));
  return {
    ends: [packedEnd, codeEnd, scaleEnd, zeroEnd, shapeEnd, groupEnd],
    ignored,
    matrixOf: (module) => matrixOf(module, schemes, settings),
  };
}

function schemeOf(group: Config): Scheme {
  const format = group.get('format');
  if (format !== undefined && !formats.some((each) => each === format)) {
    group.refuse('format', formats.join(', '));
  }
  if (group.get('input_activations') !== undefined) {
    group.warn('activations are not rounded as "input_activations" says, but stay in f32.');
  }
  const weights = group.section('weights');
  const strategy = weights.string('strategy', 'tensor');
  const known = ['tensor', 'channel', 'group', 'block'];
  if (!known.includes(strategy)) weights.refuse('strategy', known.join(', '));
  const order = weights.get('actorder');
  const isOrdered = order === 'group' || order === true;
  if (!isOrdered && ![undefined, false, 'static', 'weight'].some((each) => each === order)) {
    weights.refuse('actorder');
  }
  const size = strategy === 'group' ? groupSize(weights) : undefined;
  const isFloat = weights.string('type', 'int') === 'float';
  const inRow = isFloat && size !== undefined ? ([1, size] as const) : undefined;
  return {
    isFloat,
    bits: packedIntegers(weights, 'num_bits'),
    group: size,
    tile: strategy === 'block' ? tileOf(weights, 'block_structure') : inRow,
    isOrdered: isOrdered && strategy === 'group',
  };
}

function matrixOf(
  module: StoredModule,
  schemes: readonly Scheme[],
  settings: Config,
): StoredMatrix {
  const packed = module.get(packedEnd);
  const plain = module.get(codeEnd);
  if (packed === undefined && plain?.dtype === 'F8_E4M3') {
    const tiles = new Set(schemes.map(({ tile }) => tile));
    const tile = [...tiles].find((each) => each !== undefined);
    const [, down = 1] = module.get(scaleEnd)?.shape ?? [];
    return floats(module, scaleEnd, down === 1 && tiles.size > 1 ? undefined : tile);
  }
  if (packed?.dtype === 'U8') return fours(module, packed);
  const code = packed === undefined ? module.need(codeEnd, 'I8') : module.need(packedEnd, 'I32');
  const scales = module.need(scaleEnd, ...floatTypes);
  const [rows, across] = sidesOf(code);
  const groups = Math.max(1, scales.shape[1] ?? 1);
  // The shapes tell which of the groups the module is in.
  const fitting = schemes.filter(({ isFloat, bits, group }) => {
    if (isFloat || group === undefined) return !isFloat && groups === 1;
    return (packed ? wordsOf(groups * group, bits) : groups * group) === across;
  });
  const [scheme] = fitting;
  if (scheme === undefined) {
    throw invalid(
      `Tensor "${scales.name}" has shape (${scales.shape.join(', ')}), which no group of config.json ` +
        `calls for beside "${code.name}" of (${code.shape.join(', ')}).`,
    );
  }
  if (packed && fitting.some(({ bits, group }) => bits !== scheme.bits || group !== scheme.group)) {
    settings.refuse('config_groups', 'groups that shapes tell apart');
  }
  const isPacked = packed !== undefined;
  const { bits, group } = scheme;
  const known = group === undefined ? undefined : groups * group;
  const columns = known ?? (isPacked ? (across * 32) / bits : across);
  const parts = { code, scales, rows, scheme, isPacked };
  return {
    ...integers(module, { ...parts, columns }),
    // How much of the last word of a row is filled, only the data tells.
    reshaped: ([own = 0, wanted = 0, ...more]) =>
      known === undefined &&
      isPacked &&
      more.length === 0 &&
      own === rows &&
      wordsOf(wanted, bits) === across
        ? integers(module, { ...parts, columns: wanted })
        : undefined,
  };
}

/** Words of a row of codes. */
function wordsOf(columns: number, bits: number): number {
  return Math.ceil((columns * bits) / 32);
}

function fours(module: StoredModule, code: TensorEntry): StoredMatrix {
  const [rows, half] = sidesOf(code);
  const scales = module.need(scaleEnd, 'U8', 'F8_E8M0');
  expectShape(scales, [rows, half / 16], `"${code.name}"`);
  return floatsOfFour({ code, scales, scaleEnd, rows, columns: 2 * half });
}

interface Integers {
  readonly code: TensorEntry;
  readonly scales: TensorEntry;
  readonly rows: number;
  readonly columns: number;
  readonly scheme: Scheme;
  readonly isPacked: boolean;
}

function integers(
  module: StoredModule,
  { code, scales, rows, columns, scheme, isPacked }: Integers,
): StoredMatrix {
  const { group, isOrdered } = scheme;
  const bits = isPacked ? scheme.bits : 8;
  const [, across] = sidesOf(code);
  const stride = isPacked ? (across * 32) / bits : across;
  const groups = group === undefined ? 1 : columns / group;
  const why = `its weight of (${rows}, ${columns}) in groups of ${group ?? columns}`;
  // One for all outputs is the same for each.
  const isOne = scales.shape.join() === '1' || scales.shape.length === 0;
  if (!isOne && scales.shape.join() !== `${rows}`) expectShape(scales, [rows, groups], why);
  const zeros = module.get(zeroEnd);
  const readZeros = zeros && zerosOf(zeros, { rows, groups, bits, isOne, isPacked });
  const index = isOrdered ? module.need(groupEnd, 'I32', 'I64') : undefined;
  if (index) expectShape(index, [columns], why);
  const shape = isPacked ? module.need(shapeEnd, 'I64', 'I32') : undefined;
  const block = blockSize(group, columns);
  const middle = 2 ** (bits - 1);
  return {
    rows,
    columns,
    dtype: `${bits === 8 ? 'int8' : 'int4'}-${block}-f32`,
    code,
    codes: { layout: 'along', bits, stride, signed: !isPacked },
    isOrdered,
    share: ({ bytes, words, numbers }) => {
      if (shape) checkShape(shape, words(shapeEnd), [rows, columns]);
      const own = numbers(scaleEnd);
      const zeroAt = readZeros?.(bytes(zeroEnd)) ?? (() => middle);
      const order = index && orderOf(index, words(groupEnd), { columns, groups, group });
      const heads = headsOf({
        rows,
        columns,
        block,
        group,
        scales,
        scale: (row, g) => own[isOne ? 0 : row * groups + g] ?? 0,
        offset: (row, g, scale) => -scale * zeroAt(row, g),
      });
      return { heads, ...(order && { order }) };
    },
  };
}

function checkShape(
  { name, dtype }: TensorEntry,
  words: Uint32Array,
  wanted: readonly [number, number],
): void {
  const sides = dtype === 'I64' ? [words[0], words[2]] : [...words];
  if (sides.join() === wanted.join()) return;
  throw invalid(
    `Tensor "${name}" says (${sides.join(', ')}); its weight is (${wanted.join(', ')}).`,
  );
}

/** What reads the code of 0 of each row and group: in words along the outputs, or a number each. */
function zerosOf(
  zeros: TensorEntry,
  sizes: { rows: number; groups: number; bits: number; isOne: boolean; isPacked: boolean },
): (bytes: Uint8Array<ArrayBuffer>) => (row: number, group: number) => number {
  const { rows, groups, bits, isOne, isPacked } = sizes;
  const [inWord, middle] = [32 / bits, 2 ** (bits - 1)];
  const text = zeros.shape.join();
  if (isPacked && zeros.dtype === 'I32' && text === `${Math.ceil(rows / inWord)},${groups}`) {
    return ({ buffer }) => {
      const words = new Uint32Array(buffer);
      return (row, g) => {
        const word = words[Math.floor(row / inWord) * groups + g] ?? 0;
        return (word >>> (bits * (row % inWord))) & (2 ** bits - 1);
      };
    };
  }
  const plain: readonly StoredDtype[] = ['I8', 'I32'];
  const isPlain = text === `${rows},${groups}` || (groups === 1 && text === `${rows}`);
  if (!plain.includes(zeros.dtype) || !(isOne ? text === '1' || text === '' : isPlain)) {
    throw invalid(
      `Tensor "${zeros.name}" is ${zeros.dtype} of ${show(zeros.shape)}, which are no zero points of ` +
        `(${rows}, ${groups}).`,
    );
  }
  return ({ buffer }) => {
    const values = zeros.dtype === 'I8' ? new Int8Array(buffer) : new Int32Array(buffer);
    return (row, g) => middle + (values[isOne ? 0 : row * groups + g] ?? 0);
  };
}
