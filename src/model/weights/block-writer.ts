// Stored weights on their way into blocks: rows are uploaded some at a time, and the GPU rounds them, so
// that they never stand in memory as a whole.

import { blocksOf, bytesOf, pitchOf } from '../../runtime/dtype.ts';
import { TransformerError } from '../../runtime/errors.ts';
import { type Part, partsOf } from '../../runtime/parts.ts';
import { Plan } from '../../runtime/plan.ts';
import { Recording } from '../../runtime/record.ts';
import { Scope } from '../../runtime/scope.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { quantize } from '../../shaders/quantize/quantize.ts';
import { storedBytes, type TensorEntry, type TensorPiece } from '../../source/safetensors.ts';
import { halfRange } from './formats/f16.ts';
import type { WeightSlice } from './parameters.ts';
import { write } from './slice-writer.ts';
import { asHeld, firstBeyond, formatOf, numbersIn } from './weight-formats.ts';
import { wholeRows } from './whole-rows.ts';

/** Bytes that are uploaded at once. */
const most = 4 * 1024 * 1024;

/** What brings rows into one part of a tensor. */
interface Upload {
  readonly plan: Plan;
  readonly rows: Tensor;
  readonly place: Tensor;
}

/**
 * Takes the bytes of a stored tensor in their order, and writes what belongs to a slice of it. Resolves once the
 * GPU has them.
 * @throws TransformerError OPTION_INVALID for numbers that no scale in f16 comes near
 */
export function blockWriter(
  owner: Scope,
  entry: TensorEntry,
  { tensor, first, size, ...slice }: WeightSlice,
): (piece: TensorPiece) => Promise<void> {
  const columns = tensor.size(-1);
  const dtype = formatOf(entry).name;
  const pitch = pitchOf(dtype, columns);
  const rowBytes = columns * storedBytes(entry.dtype);
  const rowsIn = wholeRows(entry, { ...slice, tensor, first, size });
  const isHalf = blocksOf(tensor.dtype)?.scales === 'f16' && entry.dtype !== 'F16';
  const scope = new Scope(owner);
  const uploads = new Map<number, Upload>();
  const end = (first + size) / columns;
  let row = first / columns;

  const prepare = async ({ tensor: blocks, rows: partRows }: Part): Promise<Upload> => {
    const recording = new Recording(scope);
    const fitting = Math.max(1, Math.floor(most / bytesOf(dtype, pitch)));
    const shape = [Math.min(fitting, partRows, size / columns), columns];
    const rows = scope.tensor({ label: entry.name, shape, dtype, pitch });
    const place = recording.persistent('place', [2], 'u32');
    quantize(recording, { rows, place, blocks: recording.use(blocks) });
    return { plan: await Plan.create(recording, []), rows, place };
  };

  /** Takes the first of some rows, as many as their part of the tensor and an upload have room for. */
  const put = async (stored: Uint8Array): Promise<number> => {
    const part = partsOf(tensor).findLast((each) => each.first <= row);
    if (part === undefined) throw new RangeError(`${tensor.label} has no row ${row}`);
    const upload = uploads.get(part.first) ?? (await prepare(part));
    uploads.set(part.first, upload);
    const { rows, plan, place } = upload;
    const at = row - part.first;
    const count = Math.min(stored.length / rowBytes, rows.size(0), part.rows - at);
    const own = stored.subarray(0, count * rowBytes);
    if (isHalf) assertHalf(entry, numbersIn(entry, own));
    write(scope.gpu, rows, 0, asHeld(rows, entry, own));
    plan.write(place, Uint32Array.of(at, count));
    await plan.play();
    await scope.answer(scope.gpu.device.queue.onSubmittedWorkDone());
    row += count;
    return count * rowBytes;
  };

  return async (piece) => {
    for (const stored of rowsIn(piece)) {
      for (let at = 0; at < stored.length; at += await put(stored.subarray(at)));
    }
    if (row === end) scope.dispose();
  };
}

/** Refuses numbers that scales in f16 come near none of. */
function assertHalf({ name }: TensorEntry, values: Float32Array): void {
  const wrong = firstBeyond(halfRange, values);
  if (wrong === undefined) return;
  throw new TransformerError(
    'OPTION_INVALID',
    `Tensor "${name}" holds ${wrong}, beyond the scales of int8 and int4 (${halfRange.most} at most). ` +
      `Load it with dtype: { '${name}': 'f32', … }.`,
  );
}
