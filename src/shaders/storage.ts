// How kernels read the tensor bound as `weight`, in whatever format it is stored (runtime/dtype.ts).

import {
  type BlockDtype,
  blockDtypes,
  blocksOf,
  type Codes,
  type Dtype,
  type PlainDtype,
} from '../runtime/dtype.ts';
import type { Snippet, StorageSnippet } from '../runtime/kernel.ts';
import { codeTables } from './block-tables.ts';
import bf16 from './weights/weight-bf16.wgsl?raw';
import f16 from './weights/weight-f16.wgsl?raw';
import f32 from './weights/weight-f32.wgsl?raw';
import bf16InFours from './weights/weight4-bf16.wgsl?raw';
import f16InFours from './weights/weight4-f16.wgsl?raw';
import f32InFours from './weights/weight4-f32.wgsl?raw';
import { late } from './snippets.ts';

type Text = Snippet['text'];

/** The texts of each format: for one element or more, four neighbours of rows of fours, vectors of 16 bytes. */
const texts: Partial<Record<PlainDtype, readonly [any: string, fours: string, vectors: Text]>> = {
  f32: [f32, f32InFours, late(() => import('./weights/weight16-f32.wgsl?raw'))],
  f16: [f16, f16InFours, late(() => import('./weights/weight16-f16.wgsl?raw'))],
  bf16: [bf16, bf16InFours, late(() => import('./weights/weight16-bf16.wgsl?raw'))],
};

/** What reads the codes of blocks. */
const codeTexts: Readonly<Record<Codes, Snippet>> = {
  int4: { file: 'codes-int4.wgsl', text: late(() => import('./weights/codes-int4.wgsl?raw')) },
  int8: { file: 'codes-int8.wgsl', text: late(() => import('./weights/codes-int8.wgsl?raw')) },
  fp8: { file: 'codes-fp8.wgsl', text: late(() => import('./weights/codes-fp8.wgsl?raw')) },
  ...inTable('nf4', 'fp4', 'mxfp4'),
};
const blockText: Snippet = {
  file: 'weight-blocks.wgsl',
  text: late(() => import('./weights/weight-blocks.wgsl?raw')),
};
const vectorText: Snippet = {
  file: 'weight16-blocks.wgsl',
  text: late(() => import('./weights/weight16-blocks.wgsl?raw')),
};

/** Beside the texts of `vectors` that are no codes. */
const plainText: Snippet = {
  file: 'weight16-plain.wgsl',
  text: late(() => import('./weights/weight16-plain.wgsl?raw')),
};

function inTable<Name extends Codes>(...names: readonly Name[]): Record<Name, Snippet> {
  const text = late(() => import('./weights/codes-table.wgsl?raw'));
  const entries = names.map((name) => [name, { file: 'codes-table.wgsl', text }]);
  return Object.fromEntries(entries) as Record<Name, Snippet>;
}

/** The texts of a format in blocks, behind its sizes. */
function inBlocks(name: BlockDtype, reading: Snippet): readonly Snippet[] {
  const { codes, size, codeWords, headWords, scales } = blocksOf(name);
  const table = codeTables[codes];
  const lines = [
    `const BLOCK = ${size}u;`,
    `const CODE_WORDS = ${codeWords}u;`,
    `const HEAD_WORDS = ${headWords}u;`,
    `const HALF_SCALES = ${scales === 'f16'};`,
    ...(table === undefined ? [] : [`const TABLE = array<f32, 16>(${table.join(', ')});`]),
  ];
  return [{ file: name, text: lines.join('\n') }, codeTexts[codes], reading];
}

/** Elements that 16 bytes hold; undefined for blocks that are no such vectors. */
export function elementsOfVector(dtype: Dtype): number | undefined {
  const blocks = blocksOf(dtype);
  if (blocks === undefined) return dtype === 'f32' ? 4 : 8;
  return blocks.codeWords % 4 === 0 ? 128 / blocks.bits : undefined;
}

/** How blocks are read: which, and by what text. */
interface BlockReading {
  readonly of: readonly BlockDtype[];
  readonly by: Snippet;
}

function storage(
  prefix: string,
  index: 0 | 1 | 2,
  blocks: BlockReading,
  besides: readonly Snippet[] = [],
): StorageSnippet {
  const plain = Object.entries(texts).map(([name, own]): [string, readonly Snippet[]] => [
    name,
    [...besides, { file: `${prefix}-${name}.wgsl`, text: own[index] }],
  ]);
  const inCodes = blocks.of.map((name): [string, readonly Snippet[]] => [
    name,
    inBlocks(name, blocks.by),
  ]);
  return { binding: 'weight', formats: Object.fromEntries([...plain, ...inCodes]) };
}

const allBlocks = { of: blockDtypes, by: blockText };
const vectors = {
  of: blockDtypes.filter((name) => elementsOfVector(name) !== undefined),
  by: vectorText,
};

export const weightStorage: StorageSnippet = storage('weight', 0, allBlocks);
/** The same, four neighbours at a time. */
export const weight4Storage: StorageSnippet = storage('weight4', 1, allBlocks);
/** 16 bytes at a time. */
export const weight16Storage: StorageSnippet = storage('weight16', 2, vectors, [plainText]);
