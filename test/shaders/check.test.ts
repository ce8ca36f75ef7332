// The check itself: a reference with one small mistake must be told from the kernel, and the
// references must give values known from elsewhere.
import { expect, test } from 'vitest';
import type { Gpu } from 'webgpu-transformer';
import { attention } from '../../src/shaders/attention/attention.ts';
import { attentionDecode } from '../../src/shaders/attention/decode/attention-decode.ts';
import { chooseToken } from '../../src/shaders/choice/choose-token.ts';
import { crossEntropy } from '../../src/shaders/loss/cross-entropy.ts';
import { embedding } from '../../src/shaders/embedding/embedding.ts';
import { matmul } from '../../src/shaders/matmul/matmul.ts';
import { softmax } from '../../src/shaders/rows/softmax.ts';
import type { Tensor } from '../../src/runtime/tensor.ts';
import { activation, erf, erfc } from '../reference/activation.ts';
import { references } from '../reference/index.ts';
import type { Constants, Inputs, Params, Reference, Values } from '../reference/twin.ts';
import { type Bench, compare, expectOperation } from '../support/check.ts';
import { testGpus, withGpu } from '../support/gpu.ts';
import { Random } from '../support/random.ts';
import { tolerance } from '../support/tolerance.ts';
import { normalize } from '../../src/shaders/rows/norm.ts';

const { options } = (await testGpus())[0]!;

interface Mistake {
  readonly params?: (params: Params) => Params;
  readonly constants?: Constants;
  readonly inputs?: (inputs: Inputs) => Inputs;
}

/** The true references, but for one that makes a mistake. */
function withMistake(operation: string, mistake: Mistake): Record<string, Reference> {
  const { inputs = (same) => same, params = (same) => same, constants } = mistake;
  const { twin, conditions } = references[operation]!;
  const wrong: Reference = {
    twin: (i, p, c) => twin(inputs(i), params(p), { ...c, ...constants }),
    conditions,
  };
  return { ...references, [operation]: wrong };
}

async function expectCaught(
  gpu: Gpu,
  build: (bench: Bench) => readonly Tensor[],
  operation: string,
  mistake: Mistake,
  binding = 'y',
): Promise<void> {
  await expectOperation(gpu, build);
  const wrong = { references: withMistake(operation, mistake), seed: 4711 };
  const message = await expectOperation(gpu, build, wrong).then(
    () => 'nothing was found',
    (error: unknown) => (error as Error).message,
  );
  expect(message).toMatch(new RegExp(`dispatch 0, ${operation}.*: ${binding} .* differs in \\d+`));
  expect(message).toMatch(/worst at \d+: got \S+, wanted \S+ .*\n?.*seed 4711/);
}

const add = (name: string, by: number) => (params: Params) => ({
  ...params,
  [name]: params[name]! + by,
});

const edit = (name: string, change: (values: Values) => void) => (inputs: Inputs) => {
  const values = inputs[name]!.slice();
  change(values);
  return { ...inputs, [name]: values };
};

test('mistakes in a matrix product are caught', () =>
  withGpu(options, async (gpu) => {
    const random = new Random(1);
    const [x, w] = [random.values(9 * 33, { outliers: 0 }), random.values(33 * 13, { scale: 0.1 })];
    const bias = random.values(13, { scale: 0.01, outliers: 0 });
    const product = (bench: Bench): Tensor[] => [
      matmul(bench.input('x', [9, 33], x), bench.weight([33, 13], w), {
        activation: 'gelu',
        bias: bench.input('bias', [13], bias),
      }),
    ];
    await expectCaught(gpu, product, 'matmul', { constants: { ACTIVATION: 3 } });
    await expectCaught(gpu, product, 'matmul', { constants: { ACTIVATION: 4 } });
    await expectCaught(gpu, product, 'matmul', { inputs: edit('bias', (b) => b.fill(0)) });
    await expectCaught(gpu, product, 'matmul', { params: add('depth', -1) });
    // One element of x off by a hundred-thousandth.
    const nudged = { inputs: edit('x', (values) => (values[3]! += 1e-3)) };
    await expectCaught(gpu, product, 'matmul', nudged);
  }));

test('mistakes in attention are caught', () =>
  withGpu(options, async (gpu) => {
    const random = new Random(2);
    const qkv = random.values(2 * 9 * 36, { outliers: 0 });
    const attend = (bench: Bench): Tensor[] => {
      const tensor = bench.input('qkv', [2, 9, 36], qkv);
      const keyMask = bench.input('mask', [2, 9], new Uint32Array(18).fill(1).fill(0, 14));
      const [q, k, v] = [0, 12, 24].map((start) => ({ tensor, start }));
      const inputs = { q: q!, k: k!, v: v!, keyMask, heads: 3, headSize: 4, causal: true };
      return [attention(inputs).output];
    };
    await expectCaught(gpu, attend, 'attention', { constants: { CAUSAL: false } });
    await expectCaught(gpu, attend, 'attention', { params: add('k_start', 4) });
    await expectCaught(gpu, attend, 'attention', { params: add('v_start', -1) });
    await expectCaught(gpu, attend, 'attention', { params: add('scale', 1e-3) });
    // The last real key of the second sequence counts as padding.
    const shorter = { inputs: edit('key_mask', (mask) => (mask[13] = 0)) };
    await expectCaught(gpu, attend, 'attention', shorter);

    const width = 12;
    const decode = (bench: Bench): Tensor[] => {
      const cache = bench.input('cache', [7, 2 * width], random.values(14 * width));
      const place = bench.input('place', [1, 1, 2], Uint32Array.from([4, 4]));
      const table = bench.input('table', [1, 7], Uint32Array.of(6, 5, 4, 3, 2, 1, 0));
      const projections = bench.input('x', [1, 1, 36], qkv.slice(0, 36));
      const starts = { q: 0, k: 12, v: 24 };
      return [attentionDecode({ projections, starts, cache, place, table, heads: 3, headSize: 4 })];
    };
    const longer = { inputs: edit('place', (place) => (place[1] = 5)) };
    await expectCaught(gpu, decode, 'attention-decode', longer, 'cache');
  }));

test('mistakes in the row operations are caught', () =>
  withGpu(options, async (gpu) => {
    const random = new Random(3);
    const x = random.values(5 * 64, { scale: 0.05, outliers: 0 });
    const ones = new Float32Array(64).fill(1);
    const norm = (bench: Bench): Tensor[] => {
      const weights = { weight: bench.weight([64], ones), bias: bench.weight([64], ones) };
      return [normalize(bench.input('x', [5, 64], x), { ...weights, eps: 1e-5 })];
    };
    const eps = (value: number): Mistake => ({ params: (params) => ({ ...params, eps: value }) });
    await expectCaught(gpu, norm, 'layer-norm', eps(1e-6));
    await expectCaught(gpu, norm, 'layer-norm', eps(1e-12));

    const rows = (bench: Bench): Tensor[] => [softmax(bench.input('x', [5, 64], x))];
    await expectCaught(gpu, rows, 'softmax', { inputs: edit('x', (v) => (v[0]! += 1e-4)) });

    const loss = (bench: Bench): Tensor[] => {
      const labels = bench.input('labels', [5], Uint32Array.from([1, 2, 3, 4, 5]));
      return [crossEntropy(bench.input('x', [5, 64], x), labels)];
    };
    const shifted = { inputs: edit('label', (labels) => (labels[4] = 6)) };
    await expectCaught(gpu, loss, 'cross-entropy', shifted, 'loss');

    const best = (bench: Bench): Tensor[] => {
      const index = bench.recording.persistent('index', [5], 'u32');
      chooseToken(bench.input('x', [5, 64], x), index);
      return [index];
    };
    const higher = { inputs: edit('x', (values) => (values[70] = 9)) };
    await expectCaught(gpu, best, 'choose-token', higher, 'index');

    const embed = (bench: Bench): Tensor[] => {
      const ids = bench.input('ids', [2], Uint32Array.from([3, 4]));
      return [embedding(ids, bench.weight([5, 64], x), { scale: 8 })];
    };
    await expectCaught(gpu, embed, 'embedding', { params: add('scale', 1e-4) });
  }));

test('values that are wrong in any way differ', () => {
  const condition = { length: 4, magnitude: 1 };
  const difference = (got: number, wanted: number): string | undefined =>
    compare(Float64Array.of(0, got), Float64Array.of(0, wanted), condition, 'f32');
  expect(difference(1, 1)).toBeUndefined();
  expect(difference(1 + 1e-6, 1)).toBeUndefined();
  expect(difference(1 + 2e-6, 1)).toContain('worst at 1');
  expect(difference(NaN, 1)).toContain('got NaN');
  expect(difference(Infinity, 1)).toContain('got Infinity');
  expect(difference(-3e38, -Infinity)).toBeUndefined();
  expect(difference(-10, -Infinity)).toContain('got -10');
  expect(compare(Uint32Array.of(1), Uint32Array.of(2), condition, 'u32')).toContain('1 of 1');
  expect(compare(Uint32Array.of(1), Uint32Array.of(1, 1), condition, 'u32')).toContain('wanted 2');
  expect(compare(Uint32Array.of(1), undefined, condition, 'u32')).toContain('not in the reference');
});

test('the tolerance grows as the root of the length, and is a few roundoffs for a copy', () => {
  expect(tolerance('f32', 0, 0)).toBeLessThan(1e-37);
  expect(tolerance('f32', 0, 1)).toBeCloseTo(8 * 2 ** -24, 12);
  expect(tolerance('f32', 10000, 1)).toBeCloseTo(608 * 2 ** -24, 12);
  expect(tolerance('f16', 0, 1) / tolerance('f32', 0, 1)).toBeCloseTo(2 ** 13, 6);
  expect(tolerance('u32', 100, 100)).toBe(0);
});

test('the error function and the activations have their known values', () => {
  // Abramowitz & Stegun, table 7.1; erfc(4) from table 7.3.
  expect(erf(0.5)).toBeCloseTo(0.5204998778, 10);
  expect(erf(-1)).toBeCloseTo(-0.8427007929, 10);
  expect(erf(2)).toBeCloseTo(0.995322265, 9);
  expect(erfc(4) * 1e8).toBeCloseTo(1.541725790028, 9);
  expect(erfc(2.9999999)).toBeCloseTo(erfc(3.0000001), 7);
  expect(erfc(-5)).toBeCloseTo(2, 11);
  // Values of PyTorch's functional gelu, gelu(approximate="tanh") and silu in float64.
  expect(activation(2, 1)).toBeCloseTo(0.8413447460685429, 12);
  expect(activation(3, 1)).toBeCloseTo(0.8411919906082768, 12);
  expect(activation(4, -2)).toBeCloseTo(-0.2384058440442351, 12);
  expect([activation(0, -2), activation(1, -2), activation(1, 2)]).toEqual([-2, 0, 2]);
});
