// The parameters of a model that trains, and where each tensor of the checkpoint lies in them.

import { partsOf } from '../../runtime/parts.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';

/** Consecutive elements of a stored tensor, and where they lie in a weight. */
export interface WeightSlice {
  /** The tensor of the checkpoint, with its shape there. */
  readonly name: string;
  readonly shape: readonly number[];
  /** Its first element that lies here. */
  readonly storedFirst: number;
  readonly tensor: Tensor;
  /** The element of `tensor` where the slice begins, and how many there are. */
  readonly first: number;
  readonly size: number;
  /** Whether it is the transpose of what is stored, (in, out), as of a `Conv1D`, or of one of several matrices. */
  readonly transposed?: boolean;
  /** Where the order of the columns goes, of blocks that have them in another one; see `Linear`. */
  readonly order?: Tensor | undefined;
}

/** (rows, columns) values as (columns, rows). `shape`: of the matrix, or of several that it is one of. */
export function transposed<Values extends Uint16Array | Uint32Array | Float32Array | Float64Array>(
  values: Values,
  shape: readonly number[],
): Values {
  const [rows = 1, columns = 1] = shape.slice(-2);
  const result = values.slice() as Values;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      result[column * rows + row] = values[row * columns + column] ?? 0;
    }
  }
  return result;
}

/** The place of a parameter, or of a part of one: elements from `first` on of one of the segments. */
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
  readonly slices: readonly WeightSlice[];
  /** Values of the checkpoint that are not trained, such as a logits bias. */
  readonly constants: readonly WeightSlice[];
}

/** Elements of a slice that lie together in a segment: `size` of them, `before` those ahead of them. */
export interface SegmentRange {
  readonly segment: number;
  readonly first: number;
  readonly before: number;
  readonly size: number;
}

/** What finds the elements of slices, in order; nothing for those of tensors without a place. */
export function rangesIn(
  places: readonly ParameterPlace[],
): (slice: Pick<WeightSlice, 'tensor' | 'first' | 'size'>) => SegmentRange[] {
  const placeOf = new Map(places.map((place) => [place.tensor, place]));
  return ({ tensor, first, size }) => {
    const columns = tensor.size(-1);
    return partsOf(tensor).flatMap((part) => {
      const place = placeOf.get(part.tensor);
      const start = part.first * columns;
      const from = Math.max(first, start);
      const to = Math.min(first + size, start + elements(part.tensor.shape));
      if (place === undefined || from >= to) return [];
      const { segment } = place;
      return [
        { segment, first: place.first + from - start, before: from - first, size: to - from },
      ];
    });
  };
}
