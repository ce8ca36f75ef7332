// The libraries that are compared, and their pages.

export interface LibraryPage {
  readonly name: string;
  /** Of pages/ and cold/. */
  readonly page?: string;
  readonly cold?: string;
  /** Cases that it does not run. */
  readonly without?: RegExp;
  /** The only cases that are of interest. */
  readonly only?: RegExp;
  /** Left out unless asked for. */
  readonly slow?: boolean;
}

export const libraries: readonly LibraryPage[] = [
  { name: 'ours', page: 'ours', cold: 'ours' },
  { name: 'jax-js', page: 'jax', cold: 'jax' },
  { name: 'TensorFlow.js', page: 'tensorflow', cold: 'tensorflow' },
  { name: 'ONNX Runtime', page: 'onnx-runtime-plain', cold: 'onnx-runtime', without: /^training/ },
  // With its own MultiHeadAttention, which is faster, and wrong on SwiftShader.
  {
    name: 'ONNX Runtime (fused)',
    page: 'onnx-runtime-fused',
    only: /^(attention|encoder|GPT)/,
    slow: true,
  },
  { name: 'WebGPU alone', cold: 'plain' },
  { name: 'ours (translation)', cold: 'translation', slow: true },
];
