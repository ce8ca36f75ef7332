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
}

export const libraries: readonly LibraryPage[] = [
  { name: 'ours', page: 'ours', cold: 'ours' },
  { name: 'jax-js', page: 'jax', cold: 'jax' },
  { name: 'TensorFlow.js', page: 'tensorflow', cold: 'tensorflow' },
  {
    name: 'ONNX Runtime',
    page: 'onnx-runtime-plain',
    cold: 'onnx-runtime',
    without: /^training/,
  },
  { name: 'ONNX Runtime, fused', page: 'onnx-runtime-fused', only: /^(attention|encoder|GPT)/ },
  { name: 'WebGPU alone', cold: 'plain' },
  { name: 'ours, translation', cold: 'translation' },
];
