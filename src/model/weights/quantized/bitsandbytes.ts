// bitsandbytes: "LLM.int8()" (Dettmers et al., 2022, arXiv 2208.07339), integers with a scale for each output;
// and 4 bits (QLoRA, arXiv 2305.14314), places in a table with a scale for each block of the flat weight. These
// scales may be in codes themselves.

import type { BlockSize } from '../../../runtime/dtype.ts';
import { TransformerError } from '../../../runtime/errors.ts';
import { codeTables } from '../../../shaders/block-tables.ts';
import { isObject, parseJson } from '../../../source/json.ts';
import type { TensorEntry } from '../../../source/safetensors.ts';
import type { Config } from '../../config.ts';
import {
  blockSize,
  expectShape,
  headsOf,
  invalid,
  type Layout,
  type Method,
  sidesOf,
  type StoredMatrix,
  type StoredModule,
  type StoredValues,
} from './method.ts';

const [codeEnd, rowScaleEnd, formatEnd] = ['.weight', '.SCB', '.weight_format'];
const [scaleEnd, tableEnd] = ['.weight.absmax', '.weight.quant_map'];
const [nestedScaleEnd, nestedTableEnd] = ['.weight.nested_absmax', '.weight.nested_quant_map'];
const stateEnd = '.weight.quant_state.bitsandbytes__';
const kinds = ['nf4', 'fp4'] as const;

/** Scales that are in codes share one of their own. */
const nestedBlock = 256;

export const bitsandbytes: Method = { name: 'bitsandbytes', read };

function read(settings: Config): Layout {
  if (settings.get('load_in_8bit') === true) {
    settings.warn(
      'activations are not rounded to int8, which "load_in_8bit" means, but stay in f32.',
    );
  }
  const tables = [scaleEnd, tableEnd, nestedScaleEnd, nestedTableEnd];
  const states = kinds.map((kind) => stateEnd + kind);
  return {
    ends: [codeEnd, rowScaleEnd, formatEnd, ...tables, ...states],
    matrixOf: (module) =>
      module.get(codeEnd)?.dtype === 'I8' ? integers(module) : inTable(module),
  };
}

function integers(module: StoredModule): StoredMatrix {
  const code = module.need(codeEnd, 'I8');
  const [rows, columns] = sidesOf(code);
  const scales = module.need(rowScaleEnd, 'F32');
  expectShape(scales, [rows], `its weight of (${rows}, ${columns})`);
  const block = blockSize(undefined, columns);
  return {
    rows,
    columns,
    dtype: `int8-${block}-f32`,
    code,
    codes: { layout: 'along', bits: 8, stride: columns, signed: true },
    share: ({ bytes, numbers }) => {
      if (module.get(formatEnd) !== undefined && bytes(formatEnd)[0] !== 0) {
        throw unsupported(
          `Tensor "${module.name}${formatEnd}" says that rows are not in their order`,
        );
      }
      const own = numbers(rowScaleEnd);
      const heads = headsOf({
        rows,
        columns,
        block,
        group: undefined,
        scales,
        mayBeZero: true,
        scale: (row) => (own[row] ?? 0) / 127,
        offset: (_row, _group, scale) => -128 * scale,
      });
      return { heads };
    },
  };
}

/** The shape stands in the file's data: it is taken as what the model calls for, and compared later. */
function inTable(module: StoredModule): StoredMatrix {
  const kind = kinds.find((each) => module.get(stateEnd + each)) ?? 'nf4';
  const state = module.need(stateEnd + kind, 'U8');
  const code = module.need(codeEnd, 'U8', 'BF16', 'F16', 'F32');
  const scales = module.need(scaleEnd, 'F32', 'U8');
  module.need(tableEnd, 'F32');
  if (scales.dtype === 'U8') {
    module.need(nestedScaleEnd, 'F32');
    expectShape(module.need(nestedTableEnd, 'F32'), [256], 'a table for codes of 8 bits');
  }
  const count = 2 * (code.end - code.start);
  const [blocks = 0] = scales.shape;
  // Whole powers of two, the last block of a weight perhaps not whole.
  const size = 2 ** Math.ceil(Math.log2(count / blocks));
  if (!Number.isSafeInteger(size) || size < 16 || Math.ceil(count / size) !== blocks) {
    throw invalid(`Tensor "${scales.name}" holds ${blocks} scales, for ${count} weights.`);
  }
  return matrixOf(1, count);

  function matrixOf(rows: number, columns: number): StoredMatrix {
    const block = ([128, 64, 32, 16] satisfies BlockSize[]).find(
      (each) => columns % each === 0 && size % each === 0,
    );
    if (block === undefined) {
      throw unsupported(`"${code.name}" has rows of ${columns} in blocks of ${size}`);
    }
    return {
      rows,
      columns,
      dtype: `${kind}-${block}`,
      code,
      codes: { layout: 'along', bits: 4, stride: columns, swapped: true },
      reshaped: (shape) => {
        const [own = 0, other = 0] = shape;
        return shape.length === 2 && own * other === count ? matrixOf(own, other) : undefined;
      },
      share: (values) => {
        checkState(values.bytes(stateEnd + kind), state, { rows, columns, kind, size });
        checkTable(values.numbers(tableEnd), kind, module.name + tableEnd);
        const own = scalesIn(values, scales, state);
        const heads = headsOf({
          rows,
          columns,
          block,
          group: block,
          scales,
          mayBeZero: true,
          scale: (row, i) => own[Math.floor((row * columns + i * block) / size)] ?? 0,
        });
        return { heads };
      },
    };
  }
}

/** What the file says of a weight, as JSON. */
function stateIn(bytes: Uint8Array, name: string): Readonly<Record<string, unknown>> {
  const value = parseJson(new TextDecoder().decode(bytes), `Tensor "${name}"`);
  return isObject(value) ? value : {};
}

function checkState(
  bytes: Uint8Array,
  { name }: TensorEntry,
  wanted: { rows: number; columns: number; kind: string; size: number },
): void {
  const { quant_type: kind, blocksize, shape } = stateIn(bytes, name);
  const expected = { quant_type: wanted.kind, blocksize: wanted.size };
  const sides = [wanted.rows, wanted.columns];
  const got = { quant_type: kind, blocksize, shape };
  if (JSON.stringify(got) === JSON.stringify({ ...expected, shape: sides })) return;
  throw invalid(
    `Tensor "${name}" says ${JSON.stringify(got)}, but the model and its other tensors call for ` +
      `${JSON.stringify({ ...expected, shape: sides })}.`,
  );
}

function checkTable(table: Float32Array, kind: (typeof kinds)[number], name: string): void {
  const wanted = codeTables[kind] ?? [];
  const isSame = wanted.every((value, i) => Math.abs((table[i] ?? NaN) - value) < 1e-6);
  if (!isSame || table.length !== 16) {
    throw invalid(`Tensor "${name}" holds another table than that of ${kind}.`);
  }
}

/** A scale for each block. */
function scalesIn(values: StoredValues, scales: TensorEntry, state: TensorEntry): Float32Array {
  if (scales.dtype !== 'U8') return values.numbers(scaleEnd);
  const { nested_offset: offset, nested_blocksize: size = nestedBlock } = stateIn(
    values.bytes(state.name.slice(state.name.indexOf(stateEnd))),
    state.name,
  );
  const [codes, table] = [values.bytes(scaleEnd), values.numbers(nestedTableEnd)];
  const own = values.numbers(nestedScaleEnd);
  if (typeof offset !== 'number' || typeof size !== 'number' || own.length * size < codes.length) {
    throw invalid(`Tensor "${scales.name}" holds codes without scales of their own.`);
  }
  return Float32Array.from(codes, (code, i) => {
    const scale = Math.fround((table[code] ?? NaN) * (own[Math.floor(i / size)] ?? NaN));
    return scale + offset;
  });
}

function unsupported(what: string): TransformerError {
  return new TransformerError(
    'MODEL_UNSUPPORTED',
    `${what}, which is not supported. Load the checkpoint that it was made from, in F32, F16 or BF16.`,
  );
}
