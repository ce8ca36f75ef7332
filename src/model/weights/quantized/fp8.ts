// Floats of 8 bits, E4M3 ("FP8 Formats for Deep Learning", Micikevicius et al., 2022, arXiv 2209.05433), with a
// scale for each tile of the weight (DeepSeek-V3, arXiv 2412.19437, §3.3), each output, or the whole.

import type { TensorEntry } from '../../../source/safetensors.ts';
import type { Config } from '../../config.ts';
import {
  blockSize,
  floatTypes,
  headsOf,
  invalid,
  type Layout,
  type Method,
  sidesOf,
  type StoredMatrix,
  type StoredModule,
} from './method.ts';
import { powerOfTwo } from './powers.ts';

const [codeEnd, tileEnd, rowEnd] = ['.weight', '.weight_scale_inv', '.weight_scale'];

export const fp8: Method = { name: 'FP8', read };
export const fbgemmFp8: Method = { name: 'FBGEMM FP8', read };

function read(settings: Config): Layout {
  const tile = tileOf(settings, 'weight_block_size');
  const scheme = settings.string('activation_scheme', 'dynamic');
  settings.warn(`activations are not rounded to FP8 ("${scheme}"), but stay in f32.`);
  return {
    ends: [codeEnd, tileEnd, rowEnd],
    ignored: ['.input_scale', '.activation_scale', '.input_scale_ub'],
    matrixOf: (module) => floats(module, module.get(rowEnd) ? rowEnd : tileEnd, tile),
  };
}

/** Rows and columns that share a scale, as a field says; undefined where it says nothing. */
export function tileOf(
  settings: Config,
  field: string,
): readonly [rows: number, columns: number] | undefined {
  const value = settings.get(field);
  if (value === undefined) return undefined;
  const sides: readonly unknown[] = Array.isArray(value) ? value : [];
  const [rows, columns, ...more] = sides;
  const isSize = (side: unknown): side is number => Number.isSafeInteger(side) && Number(side) > 0;
  if (!isSize(rows) || !isSize(columns) || more.length > 0) {
    return settings.invalid(field, 'two sizes');
  }
  return columns % 16 === 0 ? [rows, columns] : settings.refuse(field, 'multiples of 16');
}

/** Weights of E4M3, whose scales go by tiles, outputs, or are one. */
export function floats(
  module: StoredModule,
  scaleEnd: string,
  tile: readonly [rows: number, columns: number] | undefined,
): StoredMatrix {
  const code = module.need(codeEnd, 'F8_E4M3');
  const [rows, columns] = sidesOf(code);
  const scales = module.need(scaleEnd, ...floatTypes, 'F8_E8M0', 'U8');
  const [tall, wide] = scaledBy(scales, [rows, columns], tile);
  const block = blockSize(wide, columns);
  const across = Math.ceil(columns / wide);
  return {
    rows,
    columns,
    dtype: `fp8-${block}`,
    code,
    codes: { layout: 'along', bits: 8, stride: columns },
    share: ({ bytes, numbers }) => {
      const isPower = !floatTypes.includes(scales.dtype);
      const own = isPower ? Array.from(bytes(scaleEnd), powerOfTwo) : numbers(scaleEnd);
      const scale = (row: number, g: number): number =>
        own[Math.floor(row / tall) * across + g] ?? 0;
      return { heads: headsOf({ rows, columns, block, group: wide, scales, scale }) };
    },
  };
}

/** Rows and columns that share a scale. */
function scaledBy(
  { name, shape }: TensorEntry,
  [rows, columns]: readonly [number, number],
  tile: readonly [number, number] | undefined,
): readonly [number, number] {
  const [tall, wide] = tile ?? [rows, columns];
  const text = shape.join();
  if (text === [Math.ceil(rows / tall), Math.ceil(columns / wide)].join()) return [tall, wide];
  if (tile === undefined && (text === `${rows},1` || text === `${rows}`)) return [1, columns];
  if (tile === undefined && (text === '' || text === '1')) return [rows, columns];
  throw invalid(
    `Tensor "${name}" has shape (${shape.join(', ')}), but its weight of (${rows}, ${columns}) ` +
      (tile ? `in tiles of (${tile.join(', ')})` : 'by outputs, or as a whole,') +
      ' calls for another one.',
  );
}
