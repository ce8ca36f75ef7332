// The points of an encoder and a decoder.

import type { Scope } from '../../runtime/scope.ts';
import type { PairDefinition } from '../definitions.ts';
import { pairGraph } from '../pair-graph.ts';
import { listedShape, listPoints } from './list-points.ts';
import type { ModelPoint } from './point-options.ts';
import type { StackName } from './point-shapes.ts';

export function pairPoints(
  owner: Scope,
  definition: PairDefinition,
  maxPositions: number,
): ModelPoint[] {
  const source = listedShape(definition.source, maxPositions);
  const target = listedShape(definition.target, maxPositions);
  const padded = (stack: StackName | undefined) => (stack === 'encoder' ? source : target);
  const names = (stack: StackName | undefined) =>
    ({ batch: 'B', length: stack === 'encoder' ? 'S' : 'T' }) as const;
  return listPoints(owner, { padded, names }, (recording) =>
    pairGraph(recording, definition, {
      batch: 1,
      sourceLength: source.length,
      sourceSize: source.size,
      targetLength: target.length,
      labelled: false,
    }),
  );
}
