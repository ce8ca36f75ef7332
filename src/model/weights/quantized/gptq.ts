// GPTQ (Frantar et al., 2022, arXiv 2210.17323), as AutoGPTQ and GPTQModel write it: codes in words down the
// columns of (in, out), zero points in words along the outputs, and which group each input belongs to.

import type { Config } from '../../config.ts';
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

const [codeEnd, zeroEnd, scaleEnd, groupEnd] = ['.qweight', '.qzeros', '.scales', '.g_idx'];

export const gptq: Method = { name: 'GPTQ', read };

function read(settings: Config): Layout {
  const bits = packedIntegers(settings, 'bits');
  const group = groupSize(settings);
  const formatField =
    settings.get('checkpoint_format') === undefined ? 'format' : 'checkpoint_format';
  const format = settings.string(formatField, 'gptq');
  if (format !== 'gptq' && format !== 'gptq_v2') {
    settings.refuse(formatField, '"gptq" or "gptq_v2"');
  }
  settings.only('is_marlin_format', false);
  // Modules with settings of their own; those that it leaves out show themselves.
  const dynamic = Object.keys(settings.get('dynamic') ?? {});
  if (dynamic.some((pattern) => !pattern.startsWith('-'))) settings.refuse('dynamic');
  const isOrdered = settings.boolean('desc_act', false) && group !== undefined;
  // The first version holds zero points less 1, taken off whole words: so 1 is added to whole words.
  const lessBy = format === 'gptq' ? Math.floor(0xffffffff / (2 ** bits - 1)) : 0;
  return { ends: [codeEnd, zeroEnd, scaleEnd, groupEnd], matrixOf };

  function matrixOf(module: StoredModule): StoredMatrix {
    const code = module.need(codeEnd, 'I32', 'U32');
    const [down, rows] = sidesOf(code);
    const columns = (down * 32) / bits;
    const groups = group === undefined ? 1 : Math.ceil(columns / group);
    const why = `its weight of (${rows}, ${columns}) in groups of ${group ?? columns}`;
    const scales = module.need(scaleEnd, ...floatTypes);
    expectShape(scales, [groups, rows], why);
    const rowWords = (rows * bits) / 32;
    expectShape(module.need(zeroEnd, 'I32', 'U32'), [groups, rowWords], why);
    const index = isOrdered ? module.need(groupEnd, 'I32', 'I64') : module.get(groupEnd);
    if (index !== undefined) expectShape(index, [columns], why);
    const block = blockSize(group, columns);
    return {
      rows,
      columns,
      dtype: `${bits === 8 ? 'int8' : 'int4'}-${block}-f32`,
      code,
      codes: { layout: 'across', bits, stride: rows },
      isOrdered,
      share: ({ words, numbers }) => {
        const order = index && orderOf(index, words(groupEnd), { columns, groups, group });
        if (!isOrdered && order?.some((column, i) => column !== i) === true) {
          throw invalid(`Tensor "${index?.name}" has groups that lie apart, without "desc_act".`);
        }
        const own = numbers(scaleEnd);
        const zeros = words(zeroEnd).map((word) => word + lessBy);
        const inWord = 32 / bits;
        const heads = headsOf({
          rows,
          columns,
          block,
          group,
          scales,
          scale: (row, g) => own[g * rows + row] ?? 0,
          offset: (row, g, scale) => {
            const word = zeros[g * rowWords + Math.floor(row / inWord)] ?? 0;
            return -scale * ((word >>> (bits * (row % inWord))) & (2 ** bits - 1));
          },
        });
        return { heads, ...(isOrdered && order && { order }) };
      },
    };
  }
}
