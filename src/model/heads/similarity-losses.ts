// Losses of pairs of images and texts, from the square of their logits, in float64. Image i belongs to text i.

import type { DenseTensor } from '../inputs/inputs.ts';
import { placeLoss } from './losses.ts';

/** The cross entropy of the text of each image, and of the image of each text: CLIP, figure 3. */
export function contrastiveLoss(perImage: DenseTensor, perText: DenseTensor): number {
  const own = Array.from({ length: perImage.shape[0] ?? 0 }, (_, i) => i);
  return (placeLoss(perImage, own) + placeLoss(perText, own)) / 2;
}

/** Each pair by itself, whether it belongs together, the sum over the texts of an image: SigLIP, §3.2, eq. 2. */
export function sigmoidLoss({ data, shape: [size = 0] }: DenseTensor): number {
  const losses = Array.from(data, (x, i) => {
    const z = i % size === Math.floor(i / size) ? x : -x;
    return Math.max(-z, 0) + Math.log1p(Math.exp(-Math.abs(z)));
  });
  return losses.reduce((sum, loss) => sum + loss, 0) / size;
}
