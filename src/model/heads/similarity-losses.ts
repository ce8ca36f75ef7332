// Losses of pairs of images and texts, in lists: of logits (N, N), where image i belongs to text i. Their sum over N is
// the loss of the batch.

import type { Plan } from '../../runtime/plan.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { add } from '../../shaders/elementwise/add.ts';
import { scale } from '../../shaders/elementwise/scale.ts';
import { crossEntropy } from '../../shaders/loss/cross-entropy.ts';
import { sigmoidLoss as lossOfPairs } from '../../shaders/loss/sigmoid-loss.ts';

/** Losses, and what writes what they need before a play. */
export interface PairLosses {
  readonly losses: Tensor;
  readonly write?: (plan: Plan) => void;
}

/** Logits of each image, and of each text. */
interface PairLogits {
  readonly perImage: Tensor;
  readonly perText: () => Tensor;
}

export type PairLoss = (logits: PairLogits) => PairLosses;

/** The cross entropy of the text of each image, and of the image of each text: CLIP, figure 3. Losses: (N). */
export const contrastiveLoss: PairLoss = ({ perImage, perText }) => {
  const size = perImage.size(0);
  const own = perImage.recording.persistent('own', [size], 'u32');
  const both = add(crossEntropy(perImage, own), crossEntropy(perText(), own));
  const numbers = Uint32Array.from({ length: size }, (_, i) => i);
  return { losses: scale(both, 0.5), write: (plan) => plan.write(own, numbers) };
};

/** Each pair by itself, whether it belongs together: SigLIP, §3.2, eq. 2. Losses: (N, N). */
export const sigmoidLoss: PairLoss = ({ perImage }) => ({ losses: lossOfPairs(perImage) });
