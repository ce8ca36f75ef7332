// The points of an encoder and a decoder.

import type { PairDefinition } from '../definitions.ts';
import { usualShape } from '../inputs/input-stage.ts';
import { pairGraph } from '../pair-graph.ts';
import type { Listing } from './list-points.ts';

export function pairListing(definition: PairDefinition, maxPositions: number): Listing {
  const source = usualShape(definition.source, maxPositions);
  const target = usualShape(definition.target, maxPositions);
  return {
    padded: (stack) => (stack === 'encoder' ? source : target),
    names: (stack) => ({ batch: 'B', length: stack === 'encoder' ? 'S' : 'T' }),
    record: (recording) =>
      pairGraph(recording, definition, {
        batch: 1,
        sourceLength: source.length,
        sourceSize: source.size,
        targetLength: target.length,
        labelled: false,
      }),
  };
}
