// The parameters of a model that trains: all of them in a few large buffers, so that an optimizer
// takes one dispatch, and where each tensor of the checkpoint lies in them.

import type { Scope } from '../runtime/scope.ts';
import { elements, Tensor } from '../runtime/tensor.ts';

/** Tensors begin at multiples of this many elements: 256 bytes, as bindings must. */
const alignment = 64;

/** Consecutive elements of a stored tensor, and where they lie in a parameter. */
export interface Piece {
  /** The tensor of the checkpoint, with its shape there. */
  readonly name: string;
  readonly shape: readonly number[];
  /** Its first element that lies here. */
  readonly storedFirst: number;
  readonly tensor: Tensor;
  /** The element of `tensor` where the piece begins, and how many there are. */
  readonly first: number;
  readonly size: number;
  /** Whether the tensor is the transpose of the stored one, (in, out), as of a `Conv1D`. */
  readonly transposed?: boolean;
}

/** (rows, columns) values as (columns, rows). */
export function transposed<Values extends Uint16Array | Uint32Array | Float32Array>(
  values: Values,
  [rows = 1, columns = 1]: readonly number[],
): Values {
  const result = values.slice() as Values;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      result[column * rows + row] = values[row * columns + column] ?? 0;
    }
  }
  return result;
}

/** A parameter's place: elements from `first` on of one of the segments. */
export interface ParameterPlace {
  readonly tensor: Tensor;
  readonly segment: number;
  readonly first: number;
}

export interface Parameters {
  /** The buffers as a whole: f32, each a multiple of 64 elements long. */
  readonly segments: readonly Tensor[];
  readonly places: readonly ParameterPlace[];
  /** What the checkpoint calls the values; a stored tensor may be spread over several parameters. */
  readonly pieces: readonly Piece[];
  /** Values of the checkpoint that are not trained, such as a logits bias. */
  readonly constants: readonly Piece[];
}

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
  const { maxStorageBufferBindingSize, maxBufferSize } = scope.gpu.device.limits;
  const bytes = Math.min(maxStorageBufferBindingSize, maxBufferSize);
  return Math.floor(bytes / 4 / alignment) * alignment;
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
