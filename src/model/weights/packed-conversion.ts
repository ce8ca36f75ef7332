// Weights in codes on their way into another format than the one that holds them as they are.

import { type BlockDtype, blocksOf, bytesOf, type Dtype, pitchOf } from '../../runtime/dtype.ts';
import { TransformerError } from '../../runtime/errors.ts';
import type { Plan } from '../../runtime/plan.ts';
import type { Recording } from '../../runtime/record.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { codeTables } from '../../shaders/block-tables.ts';
import { quantize } from '../../shaders/quantize/quantize.ts';
import {
  dequantize,
  repack,
  type RepackTensors,
  type RowMove,
} from '../../shaders/quantize/repack.ts';
import { unpackGguf } from '../../shaders/quantize/unpack-gguf.ts';
import { halfRange } from './formats/f16.ts';
import type { Packed } from './packed-entry.ts';

/** Bytes of f32 that stand in memory at once. */
const most = 4 * 1024 * 1024;

/** What rows come from; what blocks share where it is not among the codes. */
export type PackedTensors = Pick<RepackTensors, 'packed' | 'order'> &
  Partial<Pick<RepackTensors, 'shared'>>;

/** Records how rows come into blocks that hold them as they are. */
export function unpack(
  recording: Recording,
  { packed, order, shared }: PackedTensors,
  { codes, dtype }: Packed,
  blocks: Tensor,
  move: RowMove,
): void {
  if (codes.layout === 'gguf') {
    unpackGguf(recording, { packed, blocks }, codes, move);
  } else if (shared !== undefined) {
    repack(recording, { packed, order, shared, blocks }, codes, blocksOf(dtype).size, move);
  }
}

/** Records how rows come into other formats, some at a time. */
export class PackedConversion {
  readonly #recording: Recording;
  readonly #packed: Packed;
  readonly #columns: number;
  /** Rows that are converted at once. */
  readonly #atOnce: number;
  readonly #places: Tensor;
  #blocks: Tensor | undefined;
  #rows: Tensor | undefined;
  readonly #moves: (readonly [Tensor, RowMove])[] = [];

  /** `places`: u32 (columns), the column of the blocks that each column of the file is. */
  constructor(
    recording: Recording,
    packed: Packed,
    [rows, columns]: readonly [number, number],
    places: Tensor,
  ) {
    const bytes = Math.min(most, recording.gpu.bindingLimit);
    this.#atOnce = Math.max(1, Math.min(rows, Math.floor(bytes / bytesOf('f32', columns))));
    this.#recording = recording;
    this.#packed = packed;
    this.#columns = columns;
    this.#places = places;
  }

  convert(from: PackedTensors, to: Tensor, { first, count, place }: RowMove): void {
    const atOnce = this.#atOnce;
    const blocks = (this.#blocks ??= this.#tensor('blocks', atOnce, this.#packed.dtype));
    for (let done = 0; done < count; done += atOnce) {
      const move = { first: first + done, count: Math.min(atOnce, count - done), place: 0 };
      const target = { ...move, place: place + done };
      const placeOf = this.#places;
      unpack(this.#recording, from, this.#packed, blocks, move);
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

/** Refuses weights that halves cannot hold, for a tensor that has such. */
export function assertHalves(
  { dtype }: Tensor,
  from: BlockDtype,
  heads: Float32Array,
  name: string,
): void {
  if (dtype !== 'f16' && blocksOf(dtype)?.scales !== 'f16') return;
  const { codes, headWords, scales, bits } = blocksOf(from);
  const isLine = headWords === 2 || scales === 'f16';
  const table = codeTables[codes];
  const largest = codes === 'fp8' ? 448 : table ? Math.max(...table) : 2 ** bits - 1;
  for (let i = 0; i < heads.length; i += isLine ? 2 : 1) {
    const [s = 0, b = 0] = isLine ? heads.subarray(i, i + 2) : heads.subarray(i, i + 1);
    const value = Math.max(Math.abs(b), Math.abs(s * largest + b));
    if (value < halfRange.beyond) continue;
    throw new TransformerError(
      'OPTION_INVALID',
      `Tensor "${name}" may hold ${value}, beyond ${halfRange.most}, the largest half. ` +
        `Load it with dtype: { '${name}': 'f32', … }, or leave dtype out.`,
    );
  }
}
