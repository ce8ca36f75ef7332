// Texts for training, losses and attention weights, which most programs do without.

import attentionWeights from './attention-weights.wgsl?raw';
import crossEntropy from './cross-entropy.wgsl?raw';
import dropout from './dropout.wgsl?raw';

export const texts: Readonly<Record<'attentionWeights' | 'crossEntropy' | 'dropout', string>> = {
  attentionWeights,
  crossEntropy,
  dropout,
};
