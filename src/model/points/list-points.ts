// Which points a model has: those that its list comes by. It is recorded once for that, and not played.

import type { HeadColumns, Points } from '../../runtime/points.ts';
import { Recording } from '../../runtime/record.ts';
import type { Scope } from '../../runtime/scope.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import type { InputShape, InputStage } from '../inputs/input-stage.ts';
import { bucket } from '../inputs/inputs.ts';
import type { ModelPoint, SizeName } from './point-options.ts';
import { shapeAt, type SizesOf } from './point-shapes.ts';

/** The shape of one input to list points with. */
export function listedShape(input: InputStage, maxPositions: number): InputShape {
  return input.usual?.() ?? { batch: 1, length: bucket(1, maxPositions) };
}

/** `record` appends the list of a batch of these sizes; `names`: what they are called. */
export function listPoints(
  owner: Scope,
  { padded, names }: { readonly padded: SizesOf; readonly names: SizesOf<SizeName> },
  record: (recording: Recording) => unknown,
): ModelPoint[] {
  const found = new Map<string, ModelPoint>();
  const points: Points = {
    has: () => true,
    visit(name: string, tensor: Tensor, heads?: HeadColumns) {
      found.set(name, { name, shape: shapeAt(name, { tensor, heads }, padded, names) });
      return tensor;
    },
  };
  const recording = new Recording(owner, { points });
  try {
    record(recording);
  } finally {
    recording.dispose();
  }
  return [...found.values()];
}
