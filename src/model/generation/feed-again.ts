// The tokens of sequences that outgrow the frequencies by which a cache was filled: they are fed again, by those for
// longer ones (LongRoPE, Ding et al., 2024, arXiv 2402.13753, as Phi-3 has it).

import type { Gpu } from '../../runtime/gpu.ts';
import { readBack } from '../../runtime/read-back.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import type { Tokens } from './prompt.ts';

/** What sequences that began with `prompts` have become, of `grown` tokens more. `history`: (R, pitch), their tokens. */
export async function grownPrompts(
  gpu: Gpu,
  prompts: readonly Tokens[],
  grown: number,
  history: Tensor,
): Promise<Tokens[]> {
  const [bytes = new ArrayBuffer(0)] = await readBack(gpu, [history]);
  const words = new Uint32Array(bytes);
  return prompts.map(({ mask }, row) => {
    const first = row * history.size(1);
    const ids = [...words.subarray(first, first + mask.length + grown)];
    return { ids, mask: [...mask, ...Array<number>(grown).fill(1)] };
  });
}
