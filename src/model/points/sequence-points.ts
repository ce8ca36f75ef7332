// The points of a model of one stack.

import type { Scope } from '../../runtime/scope.ts';
import type { SequenceDefinition } from '../definitions.ts';
import { sequenceGraph } from '../sequence-graph.ts';
import { listedShape, listPoints } from './list-points.ts';
import type { ModelPoint } from './point-options.ts';

export function sequencePoints(owner: Scope, definition: SequenceDefinition): ModelPoint[] {
  const shape = listedShape(definition.input, definition.maxPositions);
  const names = () => ({ batch: 'B', length: 'T' }) as const;
  return listPoints(owner, { padded: () => shape, names }, (recording) =>
    sequenceGraph(recording, definition, { ...shape, labelled: false }),
  );
}
