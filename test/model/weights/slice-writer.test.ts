// Stored tensors come in pieces that are cut anywhere: what lies on the GPU afterwards does not show it.
import { expect, test } from 'vitest';
import { sliceWriter } from '../../../src/model/weights/slice-writer.ts';
import { readBack } from '../../../src/runtime/read-back.ts';
import { Scope } from '../../../src/runtime/scope.ts';
import { pitchOf } from '../../../src/runtime/dtype.ts';
import { float32ToBfloat16, float32ToFloat16 } from '../../../src/source/float16.ts';
import type { StoredDtype, TensorEntry } from '../../../src/source/safetensors.ts';
import { withGpu } from '../../support/gpu.ts';
import { decode } from '../../support/values.ts';

/** Numbers that every format holds. */
const numbers = (size: number): Float32Array<ArrayBuffer> =>
  Float32Array.from({ length: size }, (_, i) => (i % 251) - 125);

/** Numbers as a file has them, at an odd address. */
function stored(values: Float32Array<ArrayBuffer>, dtype: StoredDtype): Uint8Array {
  const typed =
    dtype === 'F64'
      ? Float64Array.from(values)
      : dtype === 'F16'
        ? float32ToFloat16(values)
        : dtype === 'BF16'
          ? float32ToBfloat16(values)
          : values;
  const room = new Uint8Array(typed.byteLength + 1);
  room.set(new Uint8Array(typed.buffer), 1);
  return room.subarray(1);
}

test.each([
  // stored as, held as, rows, columns, transposed, rows left out before it
  ['F32', 'f32', 7, 5, false, 2],
  ['F32', 'f16', 7, 5, false, 0],
  ['F64', 'f32', 3, 9, false, 1],
  ['BF16', 'bf16', 9, 6, false, 3],
  ['BF16', 'f32', 5, 8, false, 0],
  ['F16', 'f16', 6, 7, true, 0],
  ['F32', 'f16', 4, 10, true, 0],
  ['F64', 'f32', 5, 3, true, 0],
] as const)('%s as %s, (%i, %i), transposed: %s', (from, to, rows, columns, transposed, before) =>
  withGpu({}, async (gpu) => {
    const scope = new Scope(gpu);
    const all = numbers((rows + before) * columns);
    const bytes = stored(all, from);
    const shape = transposed ? [columns, rows] : [rows + before, columns];
    const entry: TensorEntry = {
      name: 'w',
      dtype: from,
      shape,
      file: '',
      start: 0,
      end: bytes.length,
    };
    // Two rows of something else come first in the tensor.
    const [first, pitch] = [2 * columns, pitchOf(to, columns)];
    const wanted = Array.from({ length: rows * columns }, (_, i) => {
      const [row, column] = [Math.floor(i / columns), i % columns];
      return transposed ? all[column * rows + row]! : all[i + before * columns]!;
    });
    const slice = { name: 'w', shape, storedFirst: before * columns, first, size: rows * columns };
    for (const chunk of [8, 24, 64, bytes.length]) {
      const label = `in pieces of ${chunk}`;
      const tensor = scope.tensor({ label, shape: [rows + 2, columns], dtype: to, pitch });
      const put = sliceWriter(gpu, entry, { ...slice, tensor, transposed });
      for (let offset = 0; offset < bytes.length; offset += chunk) {
        put({ entry, offset, bytes: bytes.subarray(offset, offset + chunk) });
      }
      const [held] = await readBack(gpu, [tensor]);
      const values = [...decode(held!, to)];
      const rowsHeld = Array.from({ length: rows + 2 }, (_, row) =>
        values.slice(row * pitch, row * pitch + columns),
      );
      const zeros = Array<number>(first).fill(0);
      expect([label, ...rowsHeld.flat()]).toEqual([label, ...zeros, ...wanted]);
    }
    scope.dispose();
  }),
);
