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
  sidesOf,
  type StoredMatrix,
  type StoredModule,
} from './method.ts';

const [codeEnd, zeroEnd, scaleEnd, groupEnd] = ['.qweight', '.qzeros', '.scales', '.g_idx'];

export const gptq: Method = { name: 'GPTQ', read };

function read(settings: Config): Layout {
  const bits = packedIntegers(settings, 'bits');
  const group = groupSize(settings);
  const format = settings.string('checkpoint_format', 'gptq');
  if (format !== 'gptq' && format !== 'gptq_v2') {
    settings.refuse('checkpoint_format', '"gptq" or "gptq_v2"');
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
        const order =
          index && orderOf(words(groupEnd), index.dtype === 'I64', { columns, groups, group });
        if (index !== undefined && (order === undefined || (!isOrdered && !isSorted(order)))) {
          throw invalid(
            `Tensor "${index.name}" does not share ${columns} columns out among ${groups} groups of ` +
              `${group ?? columns}${isOrdered ? '' : ', one behind the other'}.`,
          );
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

/** The columns, those of each group together; undefined where groups are not of one size. */
function orderOf(
  words: Uint32Array,
  isLong: boolean,
  sizes: { columns: number; groups: number; group: number | undefined },
): Uint32Array<ArrayBuffer> | undefined {
  const { columns, groups, group = columns } = sizes;
  const order = new Uint32Array(columns);
  const counts = new Uint32Array(groups);
  for (let column = 0; column < columns; column++) {
    const g = words[isLong ? 2 * column : column] ?? groups;
    const count = counts[g] ?? group;
    if (g * group + count >= Math.min(columns, (g + 1) * group)) return undefined;
    order[g * group + count] = column;
    counts[g] = count + 1;
  }
  return order;
}

function isSorted(order: Uint32Array): boolean {
  return order.every((column, i) => column === i);
}
