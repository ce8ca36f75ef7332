// AWQ (Lin et al., 2023, arXiv 2306.00978), as AutoAWQ writes it for its kernel "gemm": codes of 4 bits in words
// along the outputs of (in, out), eight with the even ones first, and zero points in the same way.

import type { Config } from '../../config.ts';
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

const [codeEnd, zeroEnd, scaleEnd] = ['.qweight', '.qzeros', '.scales'];

export const awq: Method = { name: 'AWQ', read };

function read(settings: Config): Layout {
  // Older files have names of their own.
  const bits = settings.get('bits') === undefined ? 'w_bit' : 'bits';
  if (settings.integer(bits, 4) !== 4) settings.refuse(bits, '4');
  const size = settings.get('group_size') === undefined ? 'q_group_size' : 'group_size';
  const group = groupSize(settings, size);
  const version = settings.get('version') === undefined ? 'format' : 'version';
  if (settings.string(version, 'gemm').toLowerCase() !== 'gemm') settings.refuse(version, '"gemm"');
  settings.only('zero_point', true);
  return { ends: [codeEnd, zeroEnd, scaleEnd], matrixOf };

  function matrixOf(module: StoredModule): StoredMatrix {
    const code = module.need(codeEnd, 'I32', 'U32');
    const [columns, rowWords] = sidesOf(code);
    const rows = 8 * rowWords;
    if (columns % (group ?? columns) !== 0) {
      throw invalid(`Tensor "${code.name}" has ${columns} rows, which are no groups of ${group}.`);
    }
    const groups = columns / (group ?? columns);
    const why = `its weight of (${rows}, ${columns}) in groups of ${group ?? columns}`;
    const scales = module.need(scaleEnd, ...floatTypes);
    expectShape(scales, [groups, rows], why);
    expectShape(module.need(zeroEnd, 'I32', 'U32'), [groups, rowWords], why);
    const block = blockSize(group, columns);
    return {
      rows,
      columns,
      dtype: `int4-${block}-f32`,
      code,
      codes: { layout: 'interleaved', bits: 4, stride: rows },
      share: ({ words, numbers }) => {
        const own = numbers(scaleEnd);
        const zeros = words(zeroEnd);
        const heads = headsOf({
          rows,
          columns,
          block,
          group,
          scales,
          scale: (row, g) => own[g * rows + row] ?? 0,
          offset: (row, g, scale) => {
            const word = zeros[g * rowWords + Math.floor(row / 8)] ?? 0;
            const place = Math.floor((row % 8) / 2) + 4 * (row % 2);
            return -scale * ((word >>> (4 * place)) & 15);
          },
        });
        return { heads };
      },
    };
  }
}
