// Patches, what stands before and behind them, and where each stands: the input of a Transformer that sees.

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
  bindings: { patches: 'read', around: 'read', positions: 'read', y: 'write' },
  params: {
    images: 'u32',
    tokens: 'u32',
    columns: 'u32',
    prefix: 'u32',
    behind: 'u32',
    placed: 'u32',
  },
});

export const imageTokenKernels: readonly Kernel[] = [tokensKernel];

export interface ImageTokenParts {
  /** (B, N, d_model) */
  readonly patches: Tensor;
  /** (P + behind, d_model): tokens around the patches, the same in every image; none when absent */
  readonly around?: Tensor | undefined;
  /** (placed + N + behind, d_model) */
  readonly positions: Tensor;
}

export type ImageTokensEntry = Traced<
  'image-tokens',
  ImageTokenParts & { readonly prefix: number; readonly placed: number }
>;

/**
 * (B, P + N + behind, d_model). `placed`: how many of the tokens before the patches have positions; `behind`: how
 * many stand behind them, which all have.
 */
export function imageTokens(parts: ImageTokenParts, placed: number, behind: number = 0): Tensor {
  const { patches, around, positions } = parts;
  const [images = 0, count = 0, columns = 0] = patches.shape;
  const prefix = (around?.size(0) ?? 0) - behind;
  const tokens = prefix + count + behind;
  if (positions.size(0) !== placed + count + behind) {
    const wanted = `${placed} + ${count} + ${behind}`;
    throw new RangeError(`imageTokens: ${positions.describe()} for ${wanted} tokens`);
  }
  const { recording } = patches;
  const y = recording.transient('image tokens', [images, tokens, columns]);
  recording.dispatch({
    kernel: tokensKernel,
    bindings: { patches, around, positions, y },
    params: { images, tokens, columns, prefix, behind, placed },
    workgroups: Math.ceil((images * tokens * columns) / 64),
  });
  recording.differentiate({
    op: 'image-tokens',
    output: y,
    inputs: [patches, ...(around ? [around] : []), positions],
    trace: { ...parts, prefix, placed },
  } satisfies ImageTokensEntry);
  return y;
}
