// Merging what several workers learned, against results worked out by hand, in numbers that f32 holds exactly.
import { expect, test } from 'vitest';
import {
  adapterDelta,
  adapterFile,
  type AdapterTensors,
  adapterTensors,
  loadLora,
  Lora,
  mergeAdapters,
  outerStep,
  type OuterStep,
} from 'webgpu-transformer/training';
import { sharedGpu } from '../../support/gpu.ts';
import { fill } from '../../support/lora.ts';
import { Random } from '../../support/random.ts';
import { expectRejection } from '../../support/rejection.ts';
import { memorySource } from '../../support/source.ts';
import { MemoryTarget, tinyModel } from '../../support/training.ts';

const onGpu = sharedGpu();

/** Vectors by their names. */
function vectors(values: Readonly<Record<string, readonly number[]>>): AdapterTensors {
  return Object.fromEntries(
    Object.entries(values).map(([name, own]) => {
      return [name, { shape: [own.length], data: Float32Array.from(own) }];
    }),
  );
}

function numbers(tensors: AdapterTensors): Record<string, number[]> {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, { data }]) => [name, Array.from(data)]),
  );
}

const one = (...values: number[]): AdapterTensors => vectors({ x: values });

test('a mean counts each difference by its weight', () => {
  const merged = mergeAdapters([one(1, 2, 3, 4), one(3, 0, 1, -4)], [1, 3]);
  expect(numbers(merged)).toEqual({ x: [2.5, 0.5, 1.5, -2] });
  expect(numbers(mergeAdapters([one(1), one(2)], [1e-300, 1e-300]))).toEqual({ x: [1.5] });
  expect(numbers(mergeAdapters([one(1), one(2)], [1e308, 1e308]))).toEqual({ x: [1.5] });
  const shaped = { x: { shape: [2, 3], data: new Float32Array(6).fill(2) } };
  expect(mergeAdapters([shaped], [7])).toEqual(shaped);
});

test('sums are f64, and rounded once', () => {
  // In f32, 2^24 + 1 is 2^24, and the mean would be 0.
  expect(numbers(mergeAdapters([one(2 ** 24), one(1), one(-(2 ** 24))], [1, 1, 1]))).toEqual({
    x: [Math.fround(1 / 3)],
  });
});

test('norms are of all tensors together, and what is larger is scaled down', () => {
  const far = vectors({ a: [3], b: [4] });
  const near = vectors({ a: [0.5], b: [0.25] });
  const merged = mergeAdapters([far, near], [1, 1], { maxNorm: 2.5 });
  expect(numbers(merged)).toEqual({ a: [1], b: [1.125] });
  expect(numbers(mergeAdapters([one(0, 0)], [1], { maxNorm: 1 }))).toEqual({ x: [0, 0] });
});

test('the median of the norms is the most, of an even number the lower one', () => {
  const merge = (...all: number[]): number[] => {
    const list = all.map((value) => one(value));
    const weights = list.map(() => 1);
    return numbers(mergeAdapters(list, weights, { maxNorm: 'median' }))['x']!;
  };
  expect(merge(1, -2, 1e6)).toEqual([Math.fround(1 / 3)]);
  expect(merge(1, 2, 3, 1e6)).toEqual([(1 + 2 + 2 + 2) / 4]);
});

test('a trimmed mean leaves out the largest and the smallest of each value', () => {
  const all = [one(1, 9), one(2, 8), one(6, -1e30), one(4, 7), one(1000, 0)];
  // Of the first values 2, 4 and 6 are left, with the weights 1, 1 and 2; of the second 8, 7 and 0, with 1, 1 and 8.
  const merged = mergeAdapters(all, [5, 1, 2, 1, 8], { trim: 1 });
  expect(numbers(merged)).toEqual({ x: [4.5, 1.5] });
  const middle = mergeAdapters(all, [5, 1, 2, 1, 8], { trim: 2 });
  expect(numbers(middle)).toEqual({ x: [4, 7] });
});

test('trimmed and clipped means agree with plain loops over drawn numbers', () => {
  const random = new Random(3);
  const rows = Array.from({ length: 7 }, () => random.values(23));
  const weights = rows.map(() => random.integer(1, 9));
  const norms = rows.map((row) => Math.hypot(...row));
  const deltas = rows.map((data) => ({ x: { shape: [23], data } }));
  const merged = mergeAdapters(deltas, weights, { maxNorm: 4, trim: 2 })['x']!.data;
  for (const [i, got] of merged.entries()) {
    const pairs = rows.map((row, worker) => {
      return [row[i]! * Math.min(1, 4 / norms[worker]!), weights[worker]!] as const;
    });
    const kept = pairs.toSorted(([a], [b]) => a - b).slice(2, 5);
    const total = kept.reduce((sum, [, weight]) => sum + weight, 0);
    const wanted = kept.reduce((sum, [value, weight]) => sum + value * weight, 0) / total;
    expect(Math.abs(got - wanted)).toBeLessThanOrEqual(2 ** -23 * Math.abs(wanted));
  }
});

test('the mean of the matrices is the mean of the products but for the second order', () => {
  // One layer, rank 1, 1×1: B·A from A = 1, B = 0, and two workers that moved both.
  const workers = [vectors({ a: [0.5], b: [1] }), vectors({ a: [-0.5], b: [0.5] })];
  const { a = [], b = [] } = numbers(mergeAdapters(workers, [1, 1]));
  const ofMeans = (1 + a[0]!) * b[0]!;
  const ofProducts = (1.5 * 1 + 0.5 * 0.5) / 2;
  const secondOrder = ((0.5 - 0) * (1 - 0.75) + (-0.5 - 0) * (0.5 - 0.75)) / 2;
  expect(ofProducts - ofMeans).toBe(secondOrder);
});

test('outer steps are those of SGD with Nesterov momentum', () => {
  // torch.optim.SGD(lr=0.7, momentum=0.9, nesterov=True) in float64, the gradients being the negative differences.
  let step: OuterStep = { adapter: one(1, -2), state: { version: 0, velocity: one(0, 0) } };
  const wanted = [
    [1.665, -0.67],
    [1.616, 2.557],
    [1.89565, 4.2013],
  ];
  const velocities = [
    [0.5, 1],
    [0.2, 2.9],
    [0.305, 2.61],
  ];
  const changes = [one(0.5, 1), one(-0.25, 2), one(0.125, 0)];
  for (const [i, change] of changes.entries()) {
    const kept = structuredClone(step);
    const next = outerStep(step.adapter, change, i === 0 ? {} : { state: step.state });
    expect(step).toEqual(kept);
    step = next;
    const { version, velocity } = step.state;
    expect(version).toBe(i + 1);
    for (const [got, want] of [
      [step.adapter, wanted[i]!],
      [velocity, velocities[i]!],
    ] as const) {
      for (const [at, value] of got['x']!.data.entries()) expect(value).toBeCloseTo(want[at]!, 5);
    }
  }
  const plain = { learningRate: 1, momentum: 0 };
  expect(numbers(outerStep(one(1, 2), one(0.5, -3), plain).adapter)).toEqual({ x: [1.5, -1] });
});

test('tensors go from an adapter’s files to differences and back, bit for bit', async () => {
  await onGpu(async (gpu) => {
    using model = await tinyModel(gpu);
    using lora = new Lora(model, { rank: 2, targets: ['*.q_proj'], dora: true });
    await fill(gpu, lora, 4);
    const target = new MemoryTarget();
    await lora.save(target);
    const before = await adapterTensors(target.source);
    const { name, bytes } = adapterFile(before);
    expect(Buffer.compare(bytes, Buffer.from((await target.source.read(name)) as Uint8Array))).toBe(
      0,
    );
    expect(Object.keys(before).filter((key) => key.includes('magnitude'))).not.toEqual([]);

    await fill(gpu, lora, 5);
    await lora.save(target);
    const after = await adapterTensors(target.source);
    const delta = adapterDelta(after, before);
    const { adapter } = outerStep(before, delta, { learningRate: 1, momentum: 0 });
    const config = (await target.source.read('adapter_config.json')) as Uint8Array<ArrayBuffer>;
    const files = { [name]: adapterFile(adapter).bytes, 'adapter_config.json': config };
    using again = await loadLora(model, memorySource(files));
    await again.save(target);
    for (const [key, { data }] of Object.entries(await adapterTensors(target.source))) {
      for (const [i, value] of data.entries()) {
        // A difference and a sum, each rounded.
        expect(Math.abs(value - after[key]!.data[i]!)).toBeLessThan(1e-6);
      }
    }
  });
});

test('what is no adapter, or not the same one, is refused by its name', async () => {
  const two = one(1, 2);
  const wrong = (
    work: () => unknown,
    code: Parameters<typeof expectRejection>[1],
    ...parts: string[]
  ): Promise<void> => expectRejection(work, code, ...parts);
  await wrong(() => mergeAdapters([], []), 'INPUT_INVALID', 'adapterDelta');
  await wrong(() => mergeAdapters([two, {}], [1, 1]), 'INPUT_INVALID', 'Difference 1 has no');
  await wrong(() => mergeAdapters([two, one(1)], [1, 1]), 'TENSOR_MISMATCH', 'Difference 1', '(1)');
  await wrong(
    () => mergeAdapters([two, vectors({ y: [1, 2] })], [1, 1]),
    'TENSOR_MISMATCH',
    'no tensor "x"',
  );
  await wrong(
    () => mergeAdapters([two, vectors({ x: [1, 2], y: [1] })], [1, 1]),
    'TENSOR_MISMATCH',
    'Difference 1 has "y" as (1)',
  );
  for (const value of [Infinity, NaN]) {
    await wrong(
      () => mergeAdapters([two, one(1, value)], [1, 1]),
      'INPUT_INVALID',
      '"x" of difference 1 has a value at 1',
    );
  }
  const shapes = [
    { shape: [3], data: new Float32Array(2) },
    { shape: [-1, -2], data: new Float32Array(2) },
    { shape: [2], data: [1, 2] as unknown as Float32Array },
    { shape: 2 as unknown as number[], data: new Float32Array(2) },
  ];
  for (const x of shapes) {
    await wrong(() => mergeAdapters([{ x }], [1]), 'INPUT_INVALID', '"x" of difference 0');
    await wrong(() => adapterFile({ x }), 'INPUT_INVALID', '"x" of the adapter');
  }
  for (const weights of [[1], [1, 0], [1, -1], [1, Infinity], [1, '1'], [1, 1, 1]]) {
    await wrong(() => mergeAdapters([two, two], weights as number[]), 'INPUT_INVALID', 'wanted 2');
  }
  await wrong(() => mergeAdapters([two, two], [1, 1e13]), 'INPUT_INVALID', '1e12');
  const all = [two, two, two];
  for (const trim of [-1, 0.5, 2]) {
    await wrong(() => mergeAdapters(all, [1, 1, 1], { trim }), 'OPTION_INVALID', 'from 0 to 1');
  }
  for (const maxNorm of [0, -1, Infinity, 'mean' as 'median']) {
    await wrong(() => mergeAdapters(all, [1, 1, 1], { maxNorm }), 'OPTION_INVALID', 'maxNorm');
  }
  await wrong(
    () => mergeAdapters(all, [1, 1, 1], { maxnorm: 1 } as object),
    'OPTION_UNKNOWN',
    'maxNorm',
  );
  await wrong(() => adapterDelta(two, one(1)), 'TENSOR_MISMATCH', 'The adapter after has');
  await wrong(() => adapterDelta(one(3e38), one(-3e38)), 'INPUT_INVALID', 'difference of "x"');
  await wrong(() => outerStep(two, one(1)), 'TENSOR_MISMATCH', 'The difference has');
  const state = { version: 1, velocity: one(1) };
  await wrong(() => outerStep(two, two, { state }), 'TENSOR_MISMATCH', 'The velocity');
  await wrong(
    () => outerStep(two, two, { state: { version: -1, velocity: two } }),
    'OPTION_INVALID',
    'state.version',
  );
  await wrong(() => outerStep(one(3e38), one(3e38)), 'TRAINING_DIVERGED', '"x"');
  for (const options of [{ learningRate: 0 }, { momentum: 1 }, { momentum: -0.1 }]) {
    await wrong(() => outerStep(two, two, options), 'OPTION_INVALID');
  }
  await wrong(() => adapterTensors(memorySource({})), 'FILE_NOT_FOUND', 'adapter_model');
});
