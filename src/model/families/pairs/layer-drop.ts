// LayerDrop by the names that BART and its kin have for its rates.

import { dropLayer } from '../../../shaders/elementwise/layer-drop.ts';
import type { Config } from '../../config.ts';
import type { StackWeights } from '../../layers/stack.ts';

/** The stack, whose layers are dropped in training at the rate that config.json has for it; `usual` when it has none. */
export function droppingLayers(
  config: Config,
  name: 'encoder' | 'decoder',
  stack: StackWeights,
  usual: number = 0,
): StackWeights {
  const rate = config.rate(`${name}_layerdrop`, usual);
  return { ...stack, dropLayer: (given, output) => dropLayer(given, output, rate) };
}
