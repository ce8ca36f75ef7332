// The points of a model of a stack of texts and one of images.

import type { Scope } from '../../runtime/scope.ts';
import type { DualEncoderDefinition } from '../definitions.ts';
import { sequenceGraph } from '../sequence-graph.ts';
import { listedShape, listPoints } from './list-points.ts';
import type { ModelPoint } from './point-options.ts';
import type { StackName } from './point-shapes.ts';

export function dualPoints(owner: Scope, { text, vision }: DualEncoderDefinition): ModelPoint[] {
  const shapes = {
    text: listedShape(text.input, text.maxPositions),
    vision: listedShape(vision.input, vision.maxPositions),
  };
  const padded = (stack: StackName | undefined) => shapes[stack === 'vision' ? 'vision' : 'text'];
  const names = () => ({ batch: 'B', length: 'T' }) as const;
  return listPoints(owner, { padded, names }, (recording) => {
    for (const [name, stack] of Object.entries({ text, vision })) {
      const shape = { ...padded(name === 'vision' ? name : 'text'), labelled: false };
      recording.within(name, () => sequenceGraph(recording, stack, shape));
    }
  });
}
