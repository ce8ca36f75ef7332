// Weights that a file holds in codes, on their way to the GPU: the words of the codes go there as they come,
// what blocks share is worked out here, and the GPU puts both into blocks, or into another format.

import { type BlockDtype, blocksOf, bytesOf, type Dtype, pitchOf } from '../../runtime/dtype.ts';
import { TransformerError } from '../../runtime/errors.ts';
import { partsOf } from '../../runtime/parts.ts';
import { Plan } from '../../runtime/plan.ts';
import { Recording } from '../../runtime/record.ts';
import { Scope } from '../../runtime/scope.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { codeTables } from '../../shaders/block-tables.ts';
import { quantize } from '../../shaders/quantize/quantize.ts';
import {
  dequantize,
  repack,
  type RepackTensors,
  type RowMove,
} from '../../shaders/quantize/repack.ts';
import type { TensorEntry, TensorPiece } from '../../source/safetensors.ts';
import type { Packed, PackedEntry } from './packed-entry.ts';
import type { WeightSlice } from './parameters.ts';
import { write } from './slice-writer.ts';

/** Bytes of f32 that stand in memory at once where blocks become another format. */
const most = 4 * 1024 * 1024;

/** From where on no half is near enough. */
const beyond = 65520;

/**
 * Takes the bytes of the tensors that a matrix is packed in, each in their order, and writes what belongs to
 * the slices. The last piece resolves once the GPU has them. `orders`: those of the weights so far.
 * @throws TransformerError FILE_INVALID; OPTION_INVALID for numbers that the format asked for cannot hold
 */
export function packedWriter(
  owner: Scope,
  { name, packed, shape: [, columns = 0] }: PackedEntry,
  slices: readonly WeightSlice[],
  orders: Map<Tensor, Uint32Array>,
): (piece: TensorPiece) => Promise<void> {
  const { code, codes, dtype, others } = packed;
  const scope = new Scope(owner);
  const sizeOf = ({ start, end }: TensorEntry): number => end - start;
  const bytes = new Map(Array.from(others, ([end, entry]) => [end, new Uint8Array(sizeOf(entry))]));
  const ends = new Map(Array.from(others, ([end, entry]) => [entry, end]));
  let left = [code, ...others.values()].reduce((sum, entry) => sum + sizeOf(entry), 0);
  let words: Tensor | undefined;

  return async ({ entry, offset, bytes: piece }) => {
    const end = ends.get(entry);
    if (end !== undefined) bytes.get(end)?.set(piece, offset);
    else {
      words ??= await upload('packed', Math.ceil(sizeOf(code) / 4), 'u32');
      write(scope.gpu, words, offset, wholeWords(piece));
    }
    left -= piece.length;
    if (left === 0 && words !== undefined) await finish(words);
  };

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

  /** A tensor that can be written to. */
  async function upload(label: string, length: number, type: 'u32' | 'f32'): Promise<Tensor> {
    const tensor = scope.tensor({ label: `${name} ${label}`, shape: [length], dtype: type });
    await scope.ready();
    return tensor;
  }

  async function finish(codeWords: Tensor): Promise<void> {
    const { heads, order: given } = packed.share((end) => bytes.get(end) ?? new Uint8Array(0));
    const order = given ?? Uint32Array.from({ length: columns }, (_, i) => i);
    const placeOf = new Uint32Array(columns);
    for (const [i, column] of order.entries()) placeOf[column] = i;
    const tensors = [
      await upload('shared', heads.length, 'f32'),
      await upload('order', columns, 'u32'),
      await upload('places', columns, 'u32'),
    ] as const;
    for (const [i, values] of [heads, order, placeOf].entries()) {
      write(scope.gpu, tensors[i] ?? codeWords, 0, values);
    }
    const recording = new Recording(scope);
    const use = (tensor: Tensor): Tensor => recording.use(tensor);
    const [shared, ordered, places] = tensors;
    const from = { packed: use(codeWords), shared: use(shared), order: use(ordered) };
    const converter = new Converter(recording, packed, columns, from, use(places));
    for (const { tensor, first, size, storedFirst, order: kept } of slices) {
      if (kept !== undefined) keepOrder(kept, order);
      const place = first / columns;
      for (const part of partsOf(tensor)) {
        const start = Math.max(place, part.first);
        const end = Math.min(place + size / columns, part.first + part.rows);
        if (start >= end) continue;
        const move = {
          first: storedFirst / columns + start - place,
          count: end - start,
          place: start - part.first,
        };
        const blocks = use(part.tensor);
        if (tensor.dtype === dtype && (kept !== undefined || !packed.isOrdered)) {
          repack(recording, { ...from, blocks }, codes, move);
        } else {
          if (isHalf(tensor.dtype)) assertHalf(name, dtype, heads);
          converter.convert(blocks, move);
        }
      }
    }
    const plan = await Plan.create(recording, []);
    converter.fill(plan);
    await plan.play();
    await scope.answer(scope.gpu.device.queue.onSubmittedWorkDone());
    scope.dispose();
  }
}

/** Records how rows come into another format than the one that holds them as they are: some at a time. */
class Converter {
  readonly #recording: Recording;
  readonly #packed: Packed;
  readonly #columns: number;
  readonly #from: Omit<RepackTensors, 'blocks'>;
  readonly #places: Tensor;
  #blocks: Tensor | undefined;
  #rows: Tensor | undefined;
  readonly #moves: (readonly [Tensor, RowMove])[] = [];

  constructor(
    recording: Recording,
    packed: Packed,
    columns: number,
    from: Omit<RepackTensors, 'blocks'>,
    places: Tensor,
  ) {
    this.#recording = recording;
    this.#packed = packed;
    this.#columns = columns;
    this.#from = from;
    this.#places = places;
  }

  convert(to: Tensor, { first, count, place }: RowMove): void {
    const { dtype, codes } = this.#packed;
    const atOnce = Math.max(1, Math.floor(most / bytesOf('f32', pitchOf('f32', this.#columns))));
    const blocks = (this.#blocks ??= this.#tensor('blocks', atOnce, dtype));
    for (let done = 0; done < count; done += atOnce) {
      const own = Math.min(atOnce, count - done);
      const move = { first: first + done, count: own, place: 0 };
      repack(this.#recording, { ...this.#from, blocks }, codes, move);
      const placeOf = this.#places;
      const target = { ...move, place: place + done };
      if (blocksOf(to.dtype) === undefined) {
        dequantize(this.#recording, { blocks, placeOf, plain: to }, target);
        continue;
      }
      const rows = (this.#rows ??= this.#tensor('rows', atOnce, 'f32'));
      dequantize(this.#recording, { blocks, placeOf, plain: rows }, move);
      const at = this.#recording.persistent('place', [2], 'u32');
      quantize(this.#recording, { rows, place: at, blocks: to });
      this.#moves.push([at, target]);
    }
  }

  /** Writes what the plan has to know. */
  fill(plan: Plan): void {
    for (const [tensor, { place, count }] of this.#moves) {
      plan.write(tensor, Uint32Array.of(place, count));
    }
  }

  #tensor(label: string, rows: number, dtype: Dtype): Tensor {
    const shape = [rows, this.#columns];
    const options = { label, shape, dtype, pitch: pitchOf(dtype, this.#columns) };
    return this.#recording.use(this.#recording.scope.tensor(options));
  }
}

/** Bytes with what fills their last word. */
function wholeWords(bytes: Uint8Array): Uint8Array {
  if (bytes.length % 4 === 0) return bytes;
  const result = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
  result.set(bytes);
  return result;
}

function isHalf(dtype: Dtype): boolean {
  return dtype === 'f16' || blocksOf(dtype)?.scales === 'f16';
}

/** Refuses weights that halves cannot hold. */
function assertHalf(name: string, dtype: BlockDtype, heads: Float32Array): void {
  const { codes, headWords, scales, bits } = blocksOf(dtype);
  const isLine = headWords === 2 || scales === 'f16';
  const table = codeTables[codes];
  const largest =
    codes === 'fp8' ? 448 : (table?.reduce((a, b) => Math.max(a, b)) ?? 2 ** bits - 1);
  for (let i = 0; i < heads.length; i += isLine ? 2 : 1) {
    const [s = 0, b = 0] = isLine ? heads.subarray(i, i + 2) : heads.subarray(i, i + 1);
    const value = Math.max(Math.abs(b), Math.abs(s * largest + b));
    if (value < beyond) continue;
    throw new TransformerError(
      'OPTION_INVALID',
      `Tensor "${name}" may hold ${value}, which halves do not. Load it with dtype: { '${name}': 'f32', … }, ` +
        'or leave dtype out.',
    );
  }
}
