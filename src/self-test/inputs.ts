// What a check of the self-test computes with.

import {
  bfloat16ToFloat32,
  float16ToFloat32,
  float32ToBfloat16,
  float32ToFloat16,
} from '../source/float16.ts';
import type { Gpu } from '../runtime/gpu.ts';
import { Recording, type RecordingOptions } from '../runtime/record.ts';
import { Scope } from '../runtime/scope.ts';
import type { Dtype } from '../runtime/dtype.ts';
import { elements, type Tensor } from '../runtime/tensor.ts';

type Data = Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

/** A tensor, and the numbers it stands for. */
export interface Input {
  readonly tensor: Tensor;
  readonly data: Float32Array<ArrayBuffer>;
}

/** Seed and step of the random numbers that a check's dropout draws. */
export const seed = 20;
export const step = 17;

/** Inputs of one check: written before its list is played. */
export class Inputs {
  readonly recording: Recording;
  readonly writes: (readonly [Tensor, Data])[] = [];
  readonly #scope: Scope;
  #count = 0;

  constructor(gpu: Gpu, { training = false }: Pick<RecordingOptions, 'training'> = {}) {
    this.#scope = new Scope(gpu);
    const random = this.#scope.tensor({ label: 'random', shape: [2], dtype: 'u32' });
    this.recording = new Recording(gpu, { training, random });
    this.writes.push([random, Uint32Array.of(seed, step)]);
  }

  dispose(): void {
    this.recording.dispose();
    this.#scope.dispose();
  }

  /** Numbers between -1 and 1 that do not repeat. */
  values(count: number): Float32Array<ArrayBuffer> {
    return Float32Array.from({ length: count }, () => Math.sin(1 + this.#count++ * 1.7));
  }

  tensor(shape: readonly number[], data: Data): Tensor {
    const dtype = data instanceof Uint32Array ? 'u32' : 'f32';
    const tensor = this.recording.persistent('input', shape, dtype);
    this.writes.push([tensor, data]);
    return tensor;
  }

  floats(shape: readonly number[]): Input {
    const data = this.values(elements(shape));
    return { tensor: this.tensor(shape, data), data };
  }

  /** A weight in a storage format, rows padded as loading pads them, and the numbers it stands for. */
  weight(shape: readonly [number, number], dtype: Dtype): Input {
    const [rows, columns] = shape;
    const values = this.values(rows * columns);
    if (dtype === 'f32') return { tensor: this.tensor(shape, values), data: values };
    const pitch = Math.ceil(columns / 4) * 4;
    const { scope } = this.recording;
    const tensor = scope.tensor({ label: 'weight', shape, dtype, pitch });
    const bits = dtype === 'f16' ? float32ToFloat16(values) : float32ToBfloat16(values);
    const stored = new Uint16Array(rows * pitch);
    for (let row = 0; row < rows; row++) {
      stored.set(bits.subarray(row * columns, (row + 1) * columns), row * pitch);
    }
    if (tensor.buffer) scope.gpu.device.queue.writeBuffer(tensor.buffer, 0, stored);
    return { tensor, data: dtype === 'f16' ? float16ToFloat32(bits) : bfloat16ToFloat32(bits) };
  }
}
