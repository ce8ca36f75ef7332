// GGUF (ggml-common.h of llama.cpp): blocks with their scales beside their codes, whose type the name of a tensor
// ends with (source/gguf). Some have a scale for 32 elements, others for 16 or 32 of 256, which share two more.

import type { BlockDtype } from '../../../runtime/dtype.ts';
import { type BlockType, blockTypes } from '../../../source/gguf/types.ts';
import type { GgufName } from '../../../shaders/quantize/unpack-gguf.ts';
import { invalid, type Method, sidesOf, type StoredMatrix, type StoredModule } from './method.ts';

export const gguf: Method = { name: 'GGUF', read: () => ({ ends: [...types.keys()], matrixOf }) };

interface Known {
  readonly type: BlockType & { readonly name: GgufName };
  readonly dtype: BlockDtype;
  /** The high bytes of the halves in a block. */
  readonly halves: readonly number[];
  /** What their exponents stay below: s and b are halves then where they have to be, and so are all weights. */
  readonly below: number;
}

/** The bits of a half's exponent in its high byte, and what they are of 2ⁿ. */
const exponent = 0x7c;
const powerOf2 = (n: number): number => (n + 15) << 2;

const int4 = 'int4-32-f16';
const int8 = 'int8-32-f16';

const types: ReadonlyMap<string, Known> = new Map(
  [
    known('q4_0', int4, [1], powerOf2(13)),
    known('q4_1', int4, [1, 3], powerOf2(11)),
    known('q5_0', int8, [1], powerOf2(12)),
    known('q5_1', int8, [1, 3], powerOf2(10)),
    known('q8_0', int8, [1], powerOf2(9)),
    known('q2_k', 'int4-16-f32', [81, 83], powerOf2(10)),
    known('q3_k', 'int4-16-f32', [109], powerOf2(9)),
    known('q4_k', 'int4-32-f32', [1, 3], powerOf2(6)),
    known('q5_k', 'int8-32-f32', [1, 3], powerOf2(5)),
    known('q6_k', 'int8-16-f32', [209], powerOf2(4)),
  ].map((each) => [`.${each.type.name}`, each]),
);

function known(name: GgufName, dtype: BlockDtype, halves: readonly number[], below: number): Known {
  const type = Object.values(blockTypes).find((each) => each.name === name);
  if (type === undefined) throw new RangeError(`${name} is no type of blocks`);
  return { type: { ...type, name }, dtype, halves, below };
}

function matrixOf(module: StoredModule): StoredMatrix {
  const found = [...types].find(([end]) => module.get(end) !== undefined);
  if (found === undefined) throw new RangeError(`${module.name} has no blocks`);
  const [end, { type, dtype, halves, below }] = found;
  const code = module.need(end, 'U8');
  const [rows, rowBytes] = sidesOf(code);
  const { elements, bytes } = type;
  return {
    rows,
    columns: (rowBytes / bytes) * elements,
    dtype,
    code,
    codes: { layout: 'gguf', type: type.name, elements, bytes },
    share: () => ({ heads: new Float32Array(0) }),
    check: (offset, piece) => {
      for (const place of halves) {
        const first = Math.max(0, Math.ceil((offset - place) / bytes)) * bytes + place - offset;
        for (let at = first; at < piece.length; at += bytes) {
          if (((piece[at] ?? 0) & exponent) < below) continue;
          throw invalid(`Tensor "${code.name}" holds a scale that is no number, or far too large.`);
        }
      }
    },
  };
}
