// The memory of parameters that train: all of them in a few large buffers, so that an optimizer takes
// one dispatch.

import type { Scope } from '../../runtime/scope.ts';
import { elements, Tensor } from '../../runtime/tensor.ts';
import type { ParameterPlace } from './parameters.ts';

/** Tensors begin at multiples of this many elements: 256 bytes, as bindings must. */
const alignment = 64;

/** The layout of one or several arenas of the same kind: which tensor lies where. */
export class ArenaLayout {
  /** Elements of each segment. */
  readonly sizes: number[] = [];
  readonly #most: number;

  /** `most`: elements that one segment may have. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Takes room for a tensor. */
  take(size: number): { segment: number; first: number } {
    const room = Math.ceil(size / alignment) * alignment;
    const last = this.sizes.length - 1;
    const used = this.sizes[last] ?? Infinity;
    if (used + room > this.#most) {
      this.sizes.push(room);
      return { segment: last + 1, first: 0 };
    }
    this.sizes[last] = used + room;
    return { segment: last, first: used };
  }
}

/** Elements of f32 that one binding of a device can hold, whole blocks of 64. */
function segmentLimit(scope: Scope): number {
  return Math.floor(scope.gpu.bindingLimit / 4 / alignment) * alignment;
}

/** One zero-filled buffer for each segment. */
export function arenaSegments(scope: Scope, label: string, sizes: readonly number[]): Tensor[] {
  return sizes.map((size, index) =>
    scope.tensor({ label: `${label} ${index}`, shape: [size], dtype: 'f32' }),
  );
}

/** The part of a segment that belongs to a tensor of this shape. */
export function viewOf(
  segment: Tensor,
  first: number,
  { label, shape }: Pick<Tensor, 'label' | 'shape'>,
): Tensor {
  const { buffer } = segment;
  if (buffer === undefined || first + elements(shape) > elements(segment.shape)) {
    throw new RangeError(`${label} does not lie in ${segment.describe()}`);
  }
  return new Tensor({ label, shape, dtype: 'f32', buffer, offset: 4 * first });
}

/** Gives tensors their places in segments, which are made once all sizes are known. */
export class ParameterArena {
  readonly segments: readonly Tensor[];
  readonly places: ParameterPlace[] = [];
  readonly #layout: ArenaLayout;

  /** `shapes`: those of all tensors that will be placed, in their order. */
  constructor(scope: Scope, shapes: readonly (readonly number[])[]) {
    const most = segmentLimit(scope);
    const layout = new ArenaLayout(most);
    for (const shape of shapes) layout.take(elements(shape));
    this.segments = arenaSegments(scope, 'parameters', layout.sizes);
    this.#layout = new ArenaLayout(most);
  }

  place(label: string, shape: readonly number[]): Tensor {
    const { segment, first } = this.#layout.take(elements(shape));
    const whole = this.segments[segment];
    if (whole === undefined) throw new RangeError(`${label} was not announced`);
    const tensor = viewOf(whole, first, { label, shape });
    this.places.push({ tensor, segment, first });
    return tensor;
  }
}
