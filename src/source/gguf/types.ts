// Types of tensors in GGUF files (`enum ggml_type` and the blocks of ggml-common.h, llama.cpp).

import type { StoredDtype } from '../safetensors-header.ts';

/** Elements of a block, and its bytes. */
export interface BlockType {
  readonly name: string;
  readonly elements: number;
  readonly bytes: number;
}

/** Numbers that lie as they do in safetensors. */
export const plainTypes: Readonly<Record<number, StoredDtype>> = {
  0: 'F32',
  1: 'F16',
  24: 'I8',
  25: 'I16',
  26: 'I32',
  27: 'I64',
  28: 'F64',
  30: 'BF16',
};

/** Blocks that are read, by the number that files have for them. */
export const blockTypes: Readonly<Record<number, BlockType>> = {
  2: { name: 'q4_0', elements: 32, bytes: 18 },
  3: { name: 'q4_1', elements: 32, bytes: 20 },
  6: { name: 'q5_0', elements: 32, bytes: 22 },
  7: { name: 'q5_1', elements: 32, bytes: 24 },
  8: { name: 'q8_0', elements: 32, bytes: 34 },
  10: { name: 'q2_k', elements: 256, bytes: 84 },
  11: { name: 'q3_k', elements: 256, bytes: 110 },
  12: { name: 'q4_k', elements: 256, bytes: 144 },
  13: { name: 'q5_k', elements: 256, bytes: 176 },
  14: { name: 'q6_k', elements: 256, bytes: 210 },
};

/** The type of blocks that a tensor is named by: see weights.ts. */
export function blockTypeNamed(tensor: string): BlockType | undefined {
  const end = tensor.slice(tensor.lastIndexOf('.') + 1);
  return Object.values(blockTypes).find(({ name }) => name === end);
}
