// One comparison: inputs, the library's kernels, plain ones, and the true result in float64.

import { float32ToFloat16 } from '../src/source/float16.ts';
import type { Recording } from '../src/runtime/record.ts';
import { Scope } from '../src/runtime/scope.ts';
import type { Dtype } from '../src/runtime/dtype.ts';
import { elements, type Tensor } from '../src/runtime/tensor.ts';
import type { Gpu } from 'webgpu-transformer';

export type Data = Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

export interface Input {
  readonly shape: readonly number[];
  readonly data: Data;
  /** Storage of a weight; by default f32 or u32 as the data is. */
  readonly dtype?: Dtype;
}

export type Tensors = Readonly<Record<string, Tensor>>;

export interface Case {
  readonly name: string;
  /** Left out unless asked for. */
  readonly slow?: boolean;
  /** Floating-point operations that the result takes, or bytes that must be moved. */
  readonly work: { readonly flops: number } | { readonly bytes: number };
  readonly inputs: Readonly<Record<string, Input>>;
  readonly ours: (recording: Recording, tensors: Tensors) => Tensor;
  readonly plain: (recording: Recording, tensors: Tensors) => Tensor;
  /** The element of the result at an index, in float64 from the values as stored. */
  readonly expected: (index: number) => number;
}

/** A tensor of a case by its name. */
export function input(tensors: Tensors, name: string): Tensor {
  const tensor = tensors[name];
  if (tensor === undefined) throw new RangeError(`this case has no input ${name}`);
  return tensor;
}

/** Numbers from -1 to 1, the same in every run. */
export function numbers(count: number, seed: number): Float32Array<ArrayBuffer> {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state / 2 ** 31;
  });
}

/** The inputs of a case on a device; `scope` owns them. */
export function upload(gpu: Gpu, { inputs }: Case): { scope: Scope; tensors: Tensors } {
  const scope = new Scope(gpu);
  const tensors: Record<string, Tensor> = {};
  for (const [label, { shape, data, dtype }] of Object.entries(inputs)) {
    const format = dtype ?? (data instanceof Uint32Array ? 'u32' : 'f32');
    const tensor = scope.tensor({ label, shape, dtype: format });
    const stored = format === 'f16' && data instanceof Float32Array ? float32ToFloat16(data) : data;
    if (tensor.buffer !== undefined) gpu.device.queue.writeBuffer(tensor.buffer, 0, stored);
    tensors[label] = tensor;
  }
  return { scope, tensors };
}

/** Brings the inputs into a recording. */
export function use(recording: Recording, tensors: Tensors): Tensors {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => [name, recording.use(tensor)]),
  );
}

/** The largest error over a sample of elements, relative to the largest true value among them. */
export function errorOf(result: Tensor, bytes: ArrayBuffer, { expected }: Case): number {
  const values = result.dtype === 'u32' ? new Uint32Array(bytes) : new Float32Array(bytes);
  const count = elements(result.shape);
  const samples = Math.min(count, 64);
  let [error, size] = [0, 0];
  for (let sample = 0; sample < samples; sample++) {
    // The first and the last element, and others spread over all rows and columns.
    const index = sample === samples - 1 ? count - 1 : Math.floor((sample * count) / samples);
    const at = sample % 2 === 0 ? index : Math.min(index + 7 * sample, count - 1);
    const want = expected(at);
    const difference = Math.abs((values[at] ?? NaN) - want);
    error = Number.isNaN(difference) ? Infinity : Math.max(error, difference);
    size = Math.max(size, Math.abs(want));
  }
  return error / Math.max(size, 1e-30);
}
