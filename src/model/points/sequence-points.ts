// The points of a model of one stack.

import type { SequenceDefinition } from '../definitions.ts';
import { usualShape } from '../inputs/input-stage.ts';
import { sequenceGraph } from '../sequence-graph.ts';
import type { Listing } from './list-points.ts';

export function sequenceListing(definition: SequenceDefinition): Listing {
  const shape = usualShape(definition.input, definition.maxPositions);
  return {
    padded: () => shape,
    names: () => ({ batch: 'B', length: 'T' }),
    record: (recording) => sequenceGraph(recording, definition, { ...shape, labelled: false }),
  };
}
