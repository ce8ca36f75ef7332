// The points of a model of a stack of texts and one of images.

import type { DualEncoderDefinition } from '../definitions.ts';
import { usualShape } from '../inputs/input-stage.ts';
import { sequenceGraph } from '../sequence-graph.ts';
import type { Listing } from './list-points.ts';

export function dualListing({ text, vision }: DualEncoderDefinition): Listing {
  const shapes = {
    text: usualShape(text.input, text.maxPositions),
    vision: usualShape(vision.input, vision.maxPositions),
  };
  return {
    padded: (stack) => shapes[stack === 'vision' ? 'vision' : 'text'],
    names: () => ({ batch: 'B', length: 'T' }),
    record(recording) {
      for (const [name, stack] of [
        ['text', text],
        ['vision', vision],
      ] as const) {
        recording.within(name, () =>
          sequenceGraph(recording, stack, { ...shapes[name], labelled: false }),
        );
      }
    },
  };
}
