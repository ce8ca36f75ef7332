// MXFP4 ("OCP Microscaling Formats (MX) Specification" 1.0): floats of 4 bits in blocks of 32, each with a power of
// two; as gpt-oss stores it, codes and powers beside each other.

import type { TensorEntry } from '../../../source/safetensors.ts';
import {
  expectShape,
  headsOf,
  invalid,
  type Method,
  type StoredMatrix,
  type StoredModule,
} from './method.ts';
import { powerOfTwo } from './powers.ts';

const [codeEnd, scaleEnd] = ['_blocks', '_scales'];

/** Weights of a block. */
const block = 32;

export const mxfp4: Method = {
  name: 'MXFP4',
  read: () => ({ ends: [codeEnd, scaleEnd], matrixOf }),
};

function matrixOf(module: StoredModule): StoredMatrix {
  const code = module.need(codeEnd, 'U8');
  const [half = 0, ...rest] = code.shape.toReversed();
  const [blocks = 0, ...outer] = rest;
  if (half !== block / 2 || outer.length === 0) {
    throw invalid(
      `Tensor "${code.name}" has shape (${code.shape.join(', ')}); wanted (out, in / 32, 16).`,
    );
  }
  const rows = outer.reduce((a, b) => a * b, 1);
  const scales = module.need(scaleEnd, 'U8', 'F8_E8M0');
  expectShape(scales, code.shape.slice(0, -1), `"${code.name}"`);
  // Those of experts have no further name.
  const isNamed = module.name.endsWith('.weight') || outer.length > 1;
  return {
    name: isNamed ? module.name : `${module.name}.weight`,
    ...floatsOfFour({ code, scales, scaleEnd, rows, columns: blocks * block }),
  };
}

/** Weights of E2M1, the first of a byte in its lower half, with a power of two for each 32 along a row. */
export function floatsOfFour(options: {
  code: TensorEntry;
  scales: TensorEntry;
  scaleEnd: string;
  rows: number;
  columns: number;
}): StoredMatrix {
  const { code, scales, scaleEnd: end, rows, columns } = options;
  const groups = columns / block;
  return {
    rows,
    columns,
    dtype: `mxfp4-${block}`,
    code,
    codes: { layout: 'along', bits: 4, stride: columns },
    share: ({ bytes }) => {
      const own = bytes(end);
      const scale = (row: number, g: number): number => powerOfTwo(own[row * groups + g]);
      return { heads: headsOf({ rows, columns, block, group: block, scales, scale }) };
    },
  };
}
