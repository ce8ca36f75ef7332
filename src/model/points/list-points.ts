// Which points a model has: those that its list comes by. It is recorded once for that, and not played.

import type { HeadColumns, Points } from '../../runtime/points.ts';
import { Recording } from '../../runtime/record.ts';
import type { Scope } from '../../runtime/scope.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import type { ModelPoint, SizeName } from './point-options.ts';
import { shapeAt, type SizesOf } from './point-shapes.ts';

/** How the list of a model is recorded to see its points. */
export interface Listing {
  readonly padded: SizesOf;
  /** What the sizes are called. */
  readonly names: SizesOf<SizeName>;
  /** Appends the list of a batch of these sizes. */
  readonly record: (recording: Recording) => unknown;
}

export function listPoints(owner: Scope, { padded, names, record }: Listing): ModelPoint[] {
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
