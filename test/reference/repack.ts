// Codes as files pack them, as numbers: bit k·b and on of the words, or as each layout has it.

import { codeValue } from '../support/blocks.ts';
import { blocksReference, type Element } from './blocks.ts';
import {
  type Constants,
  floats,
  type Inputs,
  integers,
  type Params,
  type Reference,
  scalar,
} from './twin.ts';

/** Where AutoAWQ puts each of eight neighbours in a word. */
const awqOrder = [0, 4, 1, 5, 2, 6, 3, 7];

/** The code of a row and a column of the file's matrix. */
function codeIn(
  packed: Uint32Array,
  row: number,
  column: number,
  stride: number,
  { LAYOUT: layout, PACKED: packedBits, SWAP: swap, FLIP: flip }: Constants,
): number {
  const bits = Number(packedBits);
  const inWord = 32 / bits;
  let [word, place] = [0, 0];
  if (layout === 1) {
    [word, place] = [Math.floor(column / inWord) * stride + row, column % inWord];
  } else if (layout === 2) {
    [word, place] = [Math.floor((column * stride + row) / 8), awqOrder[row % 8]!];
  } else {
    const at = row * stride + column;
    [word, place] = [Math.floor(at / inWord), (at % inWord) ^ Number(swap)];
  }
  return (Math.floor(packed[word]! / 2 ** (place * bits)) % 2 ** bits) ^ Number(flip);
}

/** The elements that are written. */
function written(inputs: Inputs, params: Params, constants: Constants): Element[] {
  const [packed, order] = [integers(inputs, 'packed'), integers(inputs, 'order')];
  const shared = floats(inputs, 'shared_by');
  const [columns, rowBlocks] = [scalar(params, 'columns'), scalar(params, 'row_blocks')];
  const size = Number(constants['SIZE']);
  const isLine = constants['HEAD'] !== 1;
  // Tables look alike to the kernel: one of them stands for all.
  const codes = isLine ? 'int8' : constants['BITS'] === 8 ? 'fp8' : 'mxfp4';
  return Array.from({ length: scalar(params, 'count') * rowBlocks }, (_, i) => {
    const [row, first] = [Math.floor(i / rowBlocks), size * (i % rowBlocks)];
    const from = scalar(params, 'first') + row;
    const sharedSize = scalar(params, 'shared_size');
    const head = from * Math.ceil(columns / sharedSize) + Math.floor(first / sharedSize);
    const [s, b] = isLine ? [shared[2 * head]!, shared[2 * head + 1]!] : [shared[head]!, 0];
    const own = Array.from({ length: size }, (__, k) => {
      const column = first + k;
      if (column >= columns) return 0;
      return codeIn(packed, from, order[column]!, scalar(params, 'stride'), constants);
    });
    const isNumber = codes !== 'fp8' || own.every((code) => (code & 127) !== 127);
    const at = (scalar(params, 'place') * rowBlocks + i) * size;
    return own.map((code, k): Element => {
      const value = s * codeValue({ codes }, code);
      const result = isNumber ? value + b : NaN;
      return { at: at + k, value: result, size: Math.abs(value) + Math.abs(b) };
    });
  }).flat();
}

// Codes are copied. Halves are exact in the tests.
export const repack: Reference = blocksReference(written);

/** What flows into each element of `plain`: a weight, or 0 for what pads a row. */
function numbers(inputs: Inputs, params: Params): { at: number; value: number }[] {
  const [weight, placeOf] = [floats(inputs, 'weight'), integers(inputs, 'place_of')];
  const pitch = scalar(params, 'plain_pitch');
  return Array.from({ length: scalar(params, 'count') * pitch }, (_, i) => {
    const [row, column] = [Math.floor(i / pitch), i % pitch];
    const isPadding = column >= scalar(params, 'columns');
    const value = isPadding ? 0 : weight[row * scalar(params, 'pitch') + placeOf[column]!]!;
    return { at: scalar(params, 'place') * pitch + i, value };
  });
}

export const dequantize: Reference = {
  twin: (inputs, params) => {
    const plain = Float64Array.from(floats(inputs, 'plain'));
    for (const { at, value } of numbers(inputs, params)) plain[at] = value;
    return { plain };
  },
  // Here `weight` is |s·q| + |b|.
  conditions: (inputs, params) => {
    const magnitude = new Float64Array(floats(inputs, 'plain').length);
    for (const { at, value } of numbers(inputs, params)) magnitude[at] = Math.abs(value);
    return { plain: { length: 1, magnitude } };
  },
};
