// Patches, what stands before them, and where each stands: the input of a Transformer that sees.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { late, workgroup } from '../snippets.ts';
import type { Traced } from '../traces.ts';

const tokensKernel = kernel({
  name: 'image-tokens',
  code: [
    workgroup,
    { file: 'image-tokens.wgsl', text: late(() => import('./image-tokens.wgsl?raw')) },
  ],
  bindings: { patches: 'read', first: 'read', positions: 'read', y: 'write' },
  params: { images: 'u32', tokens: 'u32', columns: 'u32', prefix: 'u32', placed: 'u32' },
});

export const imageTokenKernels: readonly Kernel[] = [tokensKernel];

export interface ImageTokenParts {
  /** (B, N, d_model) */
  readonly patches: Tensor;
  /** (P, d_model): tokens before the patches, the same in every image */
  readonly first: Tensor;
  /** (placed + N, d_model) */
  readonly positions: Tensor;
}

export type ImageTokensEntry = Traced<
  'image-tokens',
  ImageTokenParts & { readonly placed: number }
>;

/** (B, P + N, d_model). `placed`: how many of the tokens before the patches have positions. */
export function imageTokens(parts: ImageTokenParts, placed: number): Tensor {
  const { patches, first, positions } = parts;
  const [images = 0, count = 0, columns = 0] = patches.shape;
  const prefix = first.size(0);
  const tokens = prefix + count;
  if (positions.size(0) !== placed + count) {
    throw new RangeError(`imageTokens: ${positions.describe()} for ${placed} + ${count} tokens`);
  }
  const { recording } = patches;
  const y = recording.transient('image tokens', [images, tokens, columns]);
  recording.dispatch({
    kernel: tokensKernel,
    bindings: { patches, first, positions, y },
    params: { images, tokens, columns, prefix, placed },
    workgroups: Math.ceil((images * tokens * columns) / 64),
  });
  recording.differentiate({
    op: 'image-tokens',
    output: y,
    inputs: [patches, first, positions],
    trace: { ...parts, placed },
  } satisfies ImageTokensEntry);
  return y;
}
