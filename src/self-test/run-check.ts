// Runs one check: its recorded list beside what should come out.

import { blocksOf, type Dtype } from '../runtime/dtype.ts';
import type { Gpu } from '../runtime/gpu.ts';
import { messageOf } from '../runtime/print.ts';
import { Plan } from '../runtime/plan.ts';
import type { RecordingOptions } from '../runtime/record.ts';
import { float16ToFloat32 } from '../source/float16.ts';
import type { Tensor } from '../runtime/tensor.ts';
import type { Result } from './checks.ts';
import { Inputs } from './inputs.ts';

export type NamedCheck = readonly [name: string, build: (inputs: Inputs) => Result];

export interface Check {
  /** What was run: "matmul 1 × 67 × 131, f16". */
  readonly name: string;
  /** The operation that the result is of. */
  readonly operation: string;
  /** The kernels that ran. */
  readonly kernels: readonly string[];
  /** Largest difference from float64, as a part of the largest value. */
  readonly error: number;
  readonly passed: boolean;
  /** Why it could not run. */
  readonly reason?: string;
}

/** Rounding of sums of at most some hundred terms stays well below this. */
const allowed = 2e-5;

/** What was read back: of blocks, their bytes. */
function numbersIn(bytes: ArrayBuffer, dtype: Dtype): ArrayLike<number> {
  if (blocksOf(dtype)) return new Uint8Array(bytes);
  if (dtype === 'f16') return float16ToFloat32(new Uint16Array(bytes));
  return dtype === 'u32' ? new Uint32Array(bytes) : new Float32Array(bytes);
}

/**
 * Runs a check. `uses`: which kernels matter; undefined where it has none of them.
 */
export async function runCheck(
  gpu: Gpu,
  name: string,
  build: (inputs: Inputs) => Result,
  {
    uses = () => true,
    ...options
  }: Pick<RecordingOptions, 'training'> & { uses?: (kernel: string) => boolean } = {},
): Promise<Check | undefined> {
  let inputs: Inputs | undefined;
  let result: Tensor | undefined;
  const ran = (): Pick<Check, 'name' | 'operation' | 'kernels'> => {
    const dispatches = inputs?.recording.dispatches ?? [];
    const last = dispatches.findLast(({ kernel, bindings }) =>
      Object.entries(kernel.bindings).some(
        ([binding, access]) => access === 'write' && bindings[binding] === result,
      ),
    );
    const kernels = dispatches.map(({ kernel }) => kernel.name);
    return { name, operation: last?.kernel.operation ?? name, kernels };
  };
  try {
    inputs = new Inputs(gpu, options);
    const { output, wanted } = build(inputs);
    result = output;
    if (!ran().kernels.some(uses)) return undefined;
    const plan = await Plan.create(inputs.recording, [output]);
    for (const [tensor, data] of inputs.writes) plan.write(tensor, data);
    const [bytes = new ArrayBuffer(0)] = await plan.play();
    const got = numbersIn(bytes, output.dtype);
    let largest = 0;
    let difference = got.length === wanted.length ? 0 : Infinity;
    for (let i = 0; i < wanted.length; i++) {
      const [a, b] = [got[i] ?? NaN, wanted[i] ?? NaN];
      largest = Math.max(largest, Math.abs(b));
      difference = Number.isFinite(a) ? Math.max(difference, Math.abs(a - b)) : Infinity;
    }
    const error = difference === 0 ? 0 : difference / largest;
    return { ...ran(), error, passed: error <= allowed };
  } catch (error) {
    const reason = messageOf(error);
    return { ...ran(), error: Infinity, passed: false, reason };
  } finally {
    inputs?.dispose();
  }
}

/** A tensor that a kernel has. */
export function bound(inputs: Inputs, operation: string, binding: string): Tensor {
  const found = inputs.recording.dispatches.find(({ kernel }) => kernel.operation === operation);
  const tensor = found?.bindings[binding];
  if (tensor === undefined) throw new RangeError(`${operation} has no ${binding}`);
  return tensor;
}
