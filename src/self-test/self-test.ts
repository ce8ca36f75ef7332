// The self-test of `doctor`: every operation, in the forms this device uses, on small odd shapes
// next to plain float64 arithmetic.

import type { Gpu } from '../runtime/gpu.ts';
import { messageOf } from '../runtime/print.ts';
import { Plan } from '../runtime/plan.ts';
import type { RecordingOptions } from '../runtime/record.ts';
import type { Tensor } from '../runtime/tensor.ts';
import {
  checkAttention,
  checkCross,
  checkDecode,
  checkMatmul,
  checkProduct,
  type Result,
} from './checks.ts';
import { decoderChecks, decoderGradientChecks } from './decoder.ts';
import { choiceChecks } from './choice.ts';
import { gradientChecks } from './gradients.ts';
import { Inputs } from './inputs.ts';
import { optimizerChecks } from './optimizer.ts';
import {
  checkCrossEntropy,
  checkEmbedding,
  checkLayerNorm,
  checkLinks,
  checkSoftmax,
} from './rows.ts';

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

/** Runs every check; one that fails does not stop the others. */
export function selfTest(gpu: Gpu): Promise<Check[]> {
  const checks: [string, (inputs: Inputs) => Result][] = [];
  const formats = ['f32', 'f16', 'bf16'] as const;
  for (const rows of [1, 2, 4, 7, 37]) {
    for (const format of rows === 7 ? formats : formats.slice(0, 1)) {
      const name = `matmul ${rows} × 67 × 41, ${format}`;
      checks.push([name, (inputs) => checkMatmul(inputs, rows, 67, 41, format)]);
    }
  }
  // The other activations are the same text, which `activate` runs below.
  checks.push(['matmul + gelu', (inputs) => checkMatmul(inputs, 5, 3, 9, 'f32', 'gelu')]);
  checks.push(['matmul, not transposed', (inputs) => checkProduct(inputs, 13, 35, 21)]);
  if (gpu.tier === 'gpu') {
    // Enough work for the tiles of 64 and of 128.
    checks.push(['matmul 515 × 5 × 517', (inputs) => checkProduct(inputs, 515, 5, 517)]);
    checks.push(['matmul 1411 × 3 × 1413', (inputs) => checkProduct(inputs, 1411, 3, 1413)]);
  }
  if (gpu.tier === 'software' && !gpu.hasQuadSubgroups) {
    // Enough work for the blocks.
    checks.push(['matmul 9 × 516 × 228', (inputs) => checkMatmul(inputs, 9, 516, 228, 'f32')]);
  }
  for (const causal of [false, true]) {
    for (const size of [7, 40]) {
      const kind = `${causal ? 'causal ' : ''}attention, heads of ${size}`;
      checks.push([kind, (inputs) => checkAttention(inputs, size, causal, false)]);
      checks.push([`${kind}, weights`, (inputs) => checkAttention(inputs, size, causal, true)]);
    }
  }
  for (const appends of [false, true]) {
    const name = `attention of one token, ${appends ? 'new' : 'in the cache'}`;
    checks.push([name, (inputs) => checkDecode(inputs, appends)]);
  }
  checks.push(['cross attention of one token', checkCross]);
  checks.push(['layer norm', (inputs) => checkLayerNorm(inputs, false)]);
  checks.push(['layer norm with residual', (inputs) => checkLayerNorm(inputs, true)]);
  checks.push(['layer norm, in fours', (inputs) => checkLayerNorm(inputs, true, 84)]);
  for (const format of formats) {
    checks.push([`embedding, ${format}`, (inputs) => checkEmbedding(inputs, format)]);
  }
  checks.push(['embedding links', checkLinks]);
  checks.push(['softmax', checkSoftmax]);
  checks.push(['cross entropy', checkCrossEntropy]);
  return Promise.all([
    ...checks.map(([name, build]) => run(gpu, name, build)),
    ...decoderChecks().map(([name, build]) => run(gpu, name, build)),
    ...choiceChecks().map(([name, build]) => run(gpu, name, build)),
    ...optimizerChecks().map(([name, build]) => run(gpu, name, build)),
    ...[...gradientChecks(), ...decoderGradientChecks()].map(([name, build]) =>
      run(gpu, name, build, { training: true }),
    ),
  ]);
}

async function run(
  gpu: Gpu,
  name: string,
  build: (inputs: Inputs) => Result,
  options: Pick<RecordingOptions, 'training'> = {},
): Promise<Check> {
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
    const plan = await Plan.create(inputs.recording, [output]);
    for (const [tensor, data] of inputs.writes) plan.write(tensor, data);
    const [bytes = new ArrayBuffer(0)] = await plan.play();
    const got = output.dtype === 'u32' ? new Uint32Array(bytes) : new Float32Array(bytes);
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
