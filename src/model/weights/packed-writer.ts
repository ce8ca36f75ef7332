// Weights that a file holds in codes, on their way to the GPU: the words of the codes go there as they come,
// what blocks share is worked out here, and the GPU puts both into blocks, or into another format.

import { blocksOf, pitchOf } from '../../runtime/dtype.ts';
import { TransformerError } from '../../runtime/errors.ts';
import { partsOf } from '../../runtime/parts.ts';
import { Plan } from '../../runtime/plan.ts';
import { Recording } from '../../runtime/record.ts';
import { Scope } from '../../runtime/scope.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import type { RowMove } from '../../shaders/quantize/repack.ts';
import type { TensorEntry, TensorPiece } from '../../source/safetensors.ts';
import { assertHalves, PackedConversion, unpack } from './packed-conversion.ts';
import { holds, type Packed, type PackedEntry } from './packed-entry.ts';
import type { WeightSlice } from './parameters.ts';
import { write } from './slice-writer.ts';

/** Rows of the file's matrix in buffers of their own, where all of them are too large for one. */
interface Stretch {
  readonly first: number;
  readonly rows: number;
  /** Its bytes of the codes. */
  readonly start: number;
  readonly end: number;
  readonly words: Tensor;
}

/** Stretches begin at multiples of so many rows, which are whole words whatever their length. */
const rowsAlike = 64;

/**
 * Takes the bytes of the tensors that a matrix is packed in, each in their order, and writes what belongs to
 * the slices. The last piece resolves once the GPU has them. `orders`: those of the weights so far.
 * @throws TransformerError FILE_INVALID; OPTION_INVALID for numbers that the format asked for cannot hold;
 * LIMIT_EXCEEDED for codes across rows that one buffer cannot hold
 */
export function packedWriter(
  owner: Scope,
  entry: PackedEntry,
  slices: readonly WeightSlice[],
  orders: Map<Tensor, Uint32Array>,
): (piece: TensorPiece) => Promise<void> {
  const { name, packed } = entry;
  const [rows = 0, columns = 0] = entry.shape;
  const { code, codes, dtype, others } = packed;
  const scope = new Scope(owner);
  const { headWords, scales, size } = blocksOf(dtype);
  const headBytes = (pitchOf(dtype, columns) / size) * (scales === 'f16' ? 8 : 4 * headWords);
  const bytes = new Map(Array.from(others, ([end, own]) => [end, new Uint8Array(sizeOf(own))]));
  const ends = new Map(Array.from(others, ([end, own]) => [own, end]));
  let left = [code, ...others.values()].reduce((sum, own) => sum + sizeOf(own), 0);
  let stretches: readonly Stretch[] | undefined;

  return async ({ entry: own, offset, bytes: piece }) => {
    const end = ends.get(own);
    if (end === undefined) {
      packed.check?.(offset, piece);
      stretches ??= await makeStretches();
      for (const stretch of stretches) putWords(stretch, offset, piece);
    } else {
      bytes.get(end)?.set(piece, offset);
    }
    left -= piece.length;
    if (left === 0 && stretches !== undefined) await finish(stretches);
  };

  async function makeStretches(): Promise<readonly Stretch[]> {
    const rowBytes = rowBytesOf(codes, columns);
    const limit = scope.gpu.bindingLimit;
    const fits = Math.max(sizeOf(code), rows * headBytes) <= limit;
    const fitting = Math.floor(limit / Math.max(rowBytes, headBytes) / rowsAlike) * rowsAlike;
    const isAlong = codes.layout === 'along' || codes.layout === 'gguf';
    const most = fits || !isAlong ? rows : Math.max(rowsAlike, fitting);
    const made = Array.from({ length: Math.ceil(rows / most) }, (_, i): Stretch => {
      const first = i * most;
      const count = Math.min(most, rows - first);
      const start = i === 0 ? 0 : first * rowBytes;
      const end = first + count === rows ? sizeOf(code) : (first + count) * rowBytes;
      const shape = [Math.ceil((end - start) / 4)];
      const words = scope.tensor({ label: `${name}, packed`, shape, dtype: 'u32' });
      return { first, rows: count, start, end, words };
    });
    await scope.ready();
    return made;
  }

  function putWords({ start, end, words }: Stretch, offset: number, piece: Uint8Array): void {
    const own = piece.subarray(Math.max(0, start - offset), Math.max(0, end - offset));
    if (own.length > 0) write(scope.gpu, words, Math.max(offset, start) - start, wholeWords(own));
  }

  async function finish(all: readonly Stretch[]): Promise<void> {
    const { heads, order: given } = packed.share((end) => bytes.get(end) ?? new Uint8Array(0));
    const order = given ?? Uint32Array.from({ length: columns }, (_, i) => i);
    const places = new Uint32Array(columns);
    for (const [i, column] of order.entries()) places[column] = i;
    const recording = new Recording(scope);
    const writes: (readonly [Tensor, Uint32Array | Float32Array])[] = [];
    const input = (label: string, values: Uint32Array | Float32Array): Tensor => {
      const type = values instanceof Uint32Array ? 'u32' : 'f32';
      const tensor = recording.persistent(`${name}, ${label}`, [values.length], type);
      writes.push([tensor, values]);
      return tensor;
    };
    const ordered = input('order', order);
    const conversion = new PackedConversion(
      recording,
      packed,
      [rows, columns],
      input('places', places),
    );
    const sources = all.map(({ first, rows: count, words }) => {
      const [from, to] = [first, first + count].map((row) => (row * headBytes) / 4);
      const own = heads.subarray(from, to);
      const shared = own.length > 0 && { shared: input('scales', own) };
      const tensors = { packed: recording.use(words), order: ordered, ...shared };
      return { first, rows: count, from: tensors };
    });
    for (const { tensor, order: kept, ...slice } of slices) {
      if (kept !== undefined) keepOrder(kept, order);
      const isSame = holds(tensor.dtype, dtype) && (kept !== undefined || !packed.isOrdered);
      if (!isSame) assertHalves(tensor, dtype, heads, name);
      for (const part of partsOf(tensor)) {
        const to = recording.use(part.tensor);
        for (const source of sources) {
          const move = moveOf(slice, columns, source, part);
          if (move === undefined) continue;
          if (isSame) unpack(recording, source.from, packed, to, move);
          else conversion.convert(source.from, to, move);
        }
      }
    }
    const plan = await Plan.create(recording, []);
    for (const [tensor, values] of writes) write(scope.gpu, tensor, 0, values);
    conversion.fill(plan);
    await plan.play();
    await scope.answer(scope.gpu.device.queue.onSubmittedWorkDone());
    scope.dispose();
  }

  /** Matrices that stand in one weight have their columns in one order. */
  function keepOrder(tensor: Tensor, order: Uint32Array): void {
    const known = orders.get(tensor);
    if (known?.some((column, i) => column !== order[i]) === true) {
      throw new TransformerError(
        'MODEL_UNSUPPORTED',
        `The groups of "${name}" are of other columns than those of matrices that are multiplied together ` +
          "with it. Load the model with dtype: 'f16'.",
      );
    }
    orders.set(tensor, order);
    write(scope.gpu, tensor, 0, order);
  }
}

function sizeOf({ start, end }: TensorEntry): number {
  return end - start;
}

/** Bytes of the codes of a row. */
function rowBytesOf(codes: Packed['codes'], columns: number): number {
  if (codes.layout === 'gguf') return (columns / codes.elements) * codes.bytes;
  return (codes.stride * codes.bits) / 8;
}

interface Rows {
  readonly first: number;
  readonly rows: number;
}

/** The rows that a stretch has of a slice and a part of its tensor takes; undefined where there are none. */
function moveOf(
  { first, size, storedFirst }: Pick<WeightSlice, 'first' | 'size' | 'storedFirst'>,
  columns: number,
  source: Rows,
  part: Rows,
): RowMove | undefined {
  // Rows of the tensor.
  const begin = first / columns;
  const shift = begin - storedFirst / columns;
  const start = Math.max(begin, part.first, source.first + shift);
  const end = Math.min(
    begin + size / columns,
    part.first + part.rows,
    source.first + source.rows + shift,
  );
  if (start >= end) return undefined;
  return { first: start - shift - source.first, count: end - start, place: start - part.first };
}

/** Bytes with what fills their last word. */
function wholeWords(bytes: Uint8Array): Uint8Array {
  if (bytes.length % 4 === 0) return bytes;
  const result = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
  result.set(bytes);
  return result;
}
