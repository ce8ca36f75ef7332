// Cross entropy in pieces, and its gradients, against float64 dispatch by dispatch, and against the same on whole logits:
// of weights in every kind of storage, and of x in parts.
import { expect, test } from 'vitest';
import type { Dtype } from '../../../src/runtime/dtype.ts';
import { gradients } from '../../../src/runtime/gradient.ts';
import type { Tensor } from '../../../src/runtime/tensor.ts';
import { softCap } from '../../../src/shaders/elementwise/scale.ts';
import { gradientRules } from '../../../src/shaders/gradients.ts';
import { crossEntropy } from '../../../src/shaders/loss/cross-entropy.ts';
import { ignoredLabel } from '../../../src/shaders/loss/ignored-label.ts';
import { linearCrossEntropy } from '../../../src/shaders/loss/linear-cross-entropy.ts';
import { matmul } from '../../../src/shaders/matmul/matmul.ts';
import { type Bench, expectOperation } from '../../support/check.ts';
import { expectClose } from '../../support/expected.ts';
import { limitBuffers, testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';
import { expectRejection } from '../../support/rejection.ts';

const gpus = await testGpus();
const [rows, columns, depth] = [131, 61, 96];
const small = { outliers: 0, scale: 0.3 };

interface Case {
  readonly dtype?: Dtype;
  readonly bias?: boolean;
  readonly softcap?: number;
  readonly smoothing?: number;
}

const cases: readonly Case[] = [
  { bias: true, smoothing: 0.1 },
  { dtype: 'f16', softcap: 1.5, smoothing: 0.3 },
  { dtype: 'int8-32-f16' },
  { dtype: 'int4-32-f16', bias: true },
];

/** Losses and the gradients of what trains: a weight that is no plain f32 does not. */
function record(bench: Bench, { dtype, bias, softcap, smoothing = 0 }: Case, piece: number) {
  const random = new Random(77);
  const given = bench.input('given', [1, rows, 3], random.values(rows * 3, small));
  const x = matmul(given, bench.weight([3, depth], random.values(3 * depth, small)));
  const weight = bench.weight([columns, depth], random.values(columns * depth, small), dtype);
  const added = bias === true ? bench.input('bias', [columns], random.values(columns)) : undefined;
  const labels = random.indices(rows, columns);
  labels.forEach((_, row) => row % 4 === 1 && (labels[row] = ignoredLabel));
  const label = bench.input('label', [rows], labels);
  const whole = (): Tensor => {
    const logits = matmul(x, weight, { transposed: true, bias: added });
    return crossEntropy(
      softcap === undefined ? logits : softCap(logits, softcap),
      label,
      smoothing,
    );
  };
  const layer = { weight, bias: added, softcap };
  const loss =
    piece === 0 ? whole() : linearCrossEntropy(x, layer, label, { smoothing, rows: piece });
  const dloss = bench.input('dloss', [rows], random.values(rows));
  const wanted = [given, ...(dtype === undefined ? [weight] : []), ...(added ? [added] : [])];
  const found = gradients(bench.recording, new Map([[loss, dloss]]), wanted, gradientRules);
  return [loss, ...wanted.map((input) => found.get(input)!)];
}

for (const { name, options } of gpus) {
  test(`cross entropy in pieces is that of all logits, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const own of cases) {
        const run = async (piece: number, limit = Infinity) => {
          limitBuffers(gpu, limit);
          const training = { seed: 77, training: true };
          return expectOperation(gpu, (bench) => record(bench, own, piece), training);
        };
        const wanted = await run(0);
        const others = own.dtype ? [] : [await run(64, 64 * depth * 4)];
        for (const { outputs } of [await run(64), ...others]) {
          outputs.forEach((values, i) => {
            const dense = (data: ArrayLike<number>) => ({
              data: Float32Array.from(data),
              shape: [data.length],
            });
            expectClose(dense(values), dense(wanted.outputs[i]!), `${JSON.stringify(own)}, ${i}`);
          });
          outputs[0]!.forEach((loss, row) => row % 4 === 1 && expect(loss).toBe(0));
        }
      }
    }));
}

test('no more than a piece of the logits is there at a time, nor of their gradient', () =>
  withGpu({}, async (gpu) => {
    const { kernels } = await expectOperation(gpu, (bench) => record(bench, cases[0]!, 64), {
      seed: 77,
      training: true,
    });
    const tensors = kernels.flatMap(({ bindings }) => Object.values(bindings));
    const ofLogits = new Set(tensors.filter((tensor) => tensor?.label.endsWith('logits')));
    // Twice those of each of three pieces, and their gradients.
    expect([...ofLogits].map((tensor) => tensor!.size(-2)).toSorted((a, b) => a - b)).toEqual(
      [64, 64, 3].flatMap((size) => [size, size, size]).toSorted((a, b) => a - b),
    );
  }));

test('a layer that does not fit is refused', () =>
  withGpu({}, async (gpu) => {
    await expectOperation(gpu, (bench) => {
      const x = bench.input('x', [2, 3], new Float32Array(6));
      const weight = bench.weight([5, 4], new Float32Array(20));
      const label = bench.input('label', [2], new Uint32Array(2));
      void expectRejection(
        async () => linearCrossEntropy(x, { weight }, label, { rows: 64 }),
        'TENSOR_MISMATCH',
        'rows of 3',
      );
      return [];
    });
  }));
