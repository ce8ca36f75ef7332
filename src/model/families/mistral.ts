// Mistral (Jiang et al., 2023, arXiv 2310.06825): Llama with a sliding window, §2.

import type { Config } from '../config.ts';
import type { SequenceDefinition } from '../definitions.ts';
import { layerTypes, preNormLlama } from './llama.ts';
import type { WeightLoader } from '../weights/weights.ts';

/** Declares the weights of a `Mistral…` checkpoint. */
export function mistral(config: Config, loader: WeightLoader): SequenceDefinition {
  const window =
    config.get('sliding_window') === undefined ? undefined : config.integer('sliding_window');
  layerTypes(config, [window === undefined ? 'full_attention' : 'sliding_attention']);
  return preNormLlama(config, loader, {}, () => window);
}
