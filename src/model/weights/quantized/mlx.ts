// MLX (mlx.nn.quantize): codes in words along rows of (out, in), with a scale and an offset for each group of
// columns, or with a scale that is a power of two; embeddings as well.

import { isObject } from '../../../source/json.ts';
import { Config } from '../../config.ts';
import { packedIntegers } from './integers.ts';
import { powerOfTwo } from './powers.ts';
import {
  blockSize,
  expectShape,
  floatTypes,
  groupSize,
  headsOf,
  invalid,
  type Layout,
  type Method,
  sidesOf,
  type StoredMatrix,
  type StoredModule,
} from './method.ts';

const [codeEnd, scaleEnd, offsetEnd] = ['.weight', '.scales', '.biases'];

export const mlx: Method = { name: 'MLX', read };

/** How a module is quantised. */
type MatrixOf = (module: StoredModule) => StoredMatrix;

function read(settings: Config): Layout {
  const usual = layoutOf(settings);
  // Settings of single modules stand beside those of all.
  const own = new Map<string, MatrixOf>();
  for (const [name, value] of Object.entries(settings.fields)) {
    if (isObject(value)) own.set(name, layoutOf(new Config(value, `${settings.file}, "${name}"`)));
  }
  return {
    ends: [codeEnd, scaleEnd, offsetEnd],
    matrixOf: (module) => (own.get(module.name) ?? usual)(module),
  };
}

function layoutOf(settings: Config): MatrixOf {
  const mode = settings.string('mode', 'affine');
  const isFloat = mode === 'mxfp4' || mode === 'mxfp8';
  if (mode !== 'affine' && !isFloat) settings.refuse('mode', '"affine", "mxfp4" or "mxfp8"');
  const given = mode === 'mxfp8' ? 8 : 4;
  if (isFloat && settings.integer('bits', given) !== given) settings.refuse('bits', `${given}`);
  const bits = isFloat ? given : packedIntegers(settings, 'bits');
  const group = isFloat ? 32 : groupSize(settings);
  if (group === undefined) return settings.refuse('group_size', 'a multiple of 16');

  return (module) => {
    const code = module.need(codeEnd, 'U32', 'I32');
    const [rows, rowWords] = sidesOf(code);
    const columns = (rowWords * 32) / bits;
    if (columns % group !== 0) {
      throw invalid(
        `Tensor "${code.name}" has rows of ${columns}, which are no groups of ${group}.`,
      );
    }
    const groups = columns / group;
    const why = `its weight of (${rows}, ${columns}) in groups of ${group}`;
    const scales = module.need(scaleEnd, ...(isFloat ? (['U8'] as const) : floatTypes));
    expectShape(scales, [rows, groups], why);
    const block = blockSize(group, columns);
    const shape = { rows, columns, block, group, scales };
    const matrix = {
      rows,
      columns,
      code,
      codes: { layout: 'along', bits, stride: columns },
    } as const;
    if (isFloat) {
      return {
        ...matrix,
        dtype: `${bits === 8 ? 'fp8' : 'mxfp4'}-${block}`,
        share: ({ bytes }) => {
          const own = bytes(scaleEnd);
          const scale = (row: number, g: number): number => powerOfTwo(own[row * groups + g]);
          return { heads: headsOf({ ...shape, scale }) };
        },
      };
    }
    const offsets = module.need(offsetEnd, ...floatTypes);
    expectShape(offsets, [rows, groups], why);
    const inHalves = scales.dtype === 'F16' && offsets.dtype === 'F16';
    return {
      ...matrix,
      dtype: `${bits === 8 ? 'int8' : 'int4'}-${block}-${inHalves ? 'f16' : 'f32'}`,
      share: ({ numbers }) => {
        const [own, ends] = [numbers(scaleEnd), numbers(offsetEnd)];
        const heads = headsOf({
          ...shape,
          scale: (row, g) => own[row * groups + g] ?? 0,
          offset: (row, g) => ends[row * groups + g] ?? 0,
        });
        return { heads };
      },
    };
  };
}
