// The tape: what is recorded, which gradients are computed, and how they add up.
import { expect, test } from 'vitest';
import { gradients } from '../../src/runtime/gradient.ts';
import { Plan } from '../../src/runtime/plan.ts';
import { Recording } from '../../src/runtime/record.ts';
import type { Tensor } from '../../src/runtime/tensor.ts';
import { activate } from '../../src/shaders/matmul/gates/activate.ts';
import { attention } from '../../src/shaders/attention/attention.ts';
import { add } from '../../src/shaders/elementwise/add.ts';
import { gradientRules } from '../../src/shaders/gradients.ts';
import { matmul } from '../../src/shaders/matmul/matmul.ts';
import { softmax } from '../../src/shaders/rows/softmax.ts';
import type { Data } from '../support/check.ts';
import { testGpus, withGpu } from '../support/gpu.ts';
import { Random } from '../support/random.ts';
import { expectError } from '../support/safetensors.ts';
import { normalize } from '../../src/shaders/rows/norm.ts';

const gpus = await testGpus();
const training = { training: true };

/** The gradients of `wanted` for seeds of these values, as numbers. */
async function play(
  recording: Recording,
  write: readonly (readonly [Tensor, readonly number[]])[],
  seeds: ReadonlyMap<Tensor, Tensor>,
  wanted: readonly Tensor[],
): Promise<number[][]> {
  const found = gradients(recording, seeds, wanted, gradientRules);
  expect([...found.keys()]).toEqual(wanted);
  const plan = await Plan.create(recording, [...found.values()]);
  for (const [tensor, values] of write) plan.write(tensor, Float32Array.from(values));
  const played = await plan.play();
  plan.dispose();
  return played.map((bytes) => [...new Float32Array(bytes)]);
}

/** The kernels' operations that asking for these gradients appends. */
function appended(build: (recording: Recording) => [Tensor, Tensor[]], recording: Recording) {
  const [output, wanted] = build(recording);
  const before = recording.dispatches.length;
  const seed = recording.persistent('seed', output.shape);
  gradients(recording, new Map([[output, seed]]), wanted, gradientRules);
  return recording.dispatches.slice(before).map(({ kernel }) => kernel.operation);
}

test('operations are put on the tape in order, and only when training', () =>
  withGpu({}, async (gpu) => {
    for (const on of [true, false]) {
      const recording = new Recording(gpu, { training: on });
      const x = recording.persistent('x', [3, 4]);
      const weight = recording.persistent('weight', [4, 4]);
      const bias = recording.persistent('bias', [4]);
      const hidden = matmul(x, weight, { bias, activation: 'relu' });
      const sum = add(hidden, x);
      const y = normalize(sum, { weight: bias, bias, eps: 1e-5 });
      expect(recording.training).toBe(on);
      const inner = recording.tape[0]?.output;
      expect(recording.tape.map(({ output }) => output)).toEqual(on ? [inner, hidden, sum, y] : []);
      expect(recording.tape.map(({ inputs }) => inputs.filter((one) => one))).toEqual(
        on ? [[x, weight, bias], [inner], [hidden, x], [sum, bias, bias]] : [],
      );
      // Fused without a tape, apart with one: the way back needs what was activated.
      expect(recording.dispatches).toHaveLength(on ? 4 : 3);
      recording.dispose();
    }
    const plain = new Recording(gpu);
    expect(plain.training).toBe(false);
    plain.dispose();
    await Promise.resolve();
  }));

test('a tensor used several times gets the sum', () =>
  withGpu({}, async (gpu) => {
    const recording = new Recording(gpu, training);
    const [x, seed] = [recording.persistent('x', [2]), recording.persistent('seed', [2])];
    const twice = add(x, x);
    const y = add(add(twice, x), twice);
    const seeds = new Map([[y, seed]]);
    const given = [[seed, [1, -2]]] as const;
    // y = 5 x, and 2 · twice + x.
    expect(await play(recording, given, seeds, [x, twice])).toEqual([
      [5, -10],
      [2, -4],
    ]);
  }));

test('a weight of two products gets the sum', () =>
  withGpu({}, async (gpu) => {
    const recording = new Recording(gpu, training);
    const x = recording.persistent('x', [1, 2]);
    const weight = recording.persistent('weight', [2, 2]);
    const seed = recording.persistent('seed', [1, 2]);
    const hidden = matmul(x, weight);
    const y = matmul(hidden, weight, { transposed: true });
    const given = [
      [x, [1, 2]],
      [weight, [3, 5, 7, 11]],
      [seed, [1, 10]],
    ] as const;
    // h = x·W = (17, 27); dh = seed·W = (73, 115); dW = xᵀ·dh + seedᵀ·h; dx = dh·Wᵀ.
    expect(await play(recording, given, new Map([[y, seed]]), [weight, x, hidden])).toEqual([
      [73 + 17, 115 + 27, 146 + 170, 230 + 270],
      [3 * 73 + 5 * 115, 7 * 73 + 11 * 115],
      [73, 115],
    ]);
  }));

test('several results, one computed from the other, each with its seed', () =>
  withGpu({}, async (gpu) => {
    const recording = new Recording(gpu, training);
    const [x, other] = ['x', 'other'].map((label) => recording.persistent(label, [3]));
    const hidden = activate(x!, 'relu');
    const y = add(hidden, other!);
    const seeds = [y, hidden].map((of) => [of, recording.persistent('seed', [3])] as const);
    const given = [
      [x!, [2, -3, 4]],
      [seeds[0]![1], [1, 2, 3]],
      [seeds[1]![1], [10, 20, 30]],
    ] as const;
    const wanted = [x!, other!, y, hidden];
    expect(await play(recording, given, new Map(seeds), wanted)).toEqual([
      [11, 0, 33],
      [1, 2, 3],
      [1, 2, 3],
      [11, 22, 33],
    ]);
  }));

test('only what leads to a wanted tensor is computed', () =>
  withGpu({ tier: 'gpu' }, async (gpu) => {
    const recordings: Recording[] = [];
    const expectAppended = (pick: string, operations: string[]): void => {
      const recording = new Recording(gpu, training);
      recordings.push(recording);
      const names = appended((r) => {
        const shapes = { x: [5, 3], w: [7, 3], b: [7], u: [4, 7], g: [4], c: [4] };
        const made = Object.fromEntries(
          Object.entries(shapes).map(([label, shape]) => [label, r.persistent(label, shape)]),
        );
        const { x, w, b, u, g, c } = made;
        const hidden = matmul(x!, w!, { transposed: true, bias: b! });
        const y = matmul(hidden, u!, { transposed: true });
        const result = normalize(y, { weight: g!, bias: c!, eps: 1e-5 });
        return [result, pick.split('').map((label) => made[label]!)];
      }, recording);
      expect(names, `for ${pick}`).toEqual(operations);
    };
    const norm = 'layer-norm-backward';
    expectAppended('', []);
    expectAppended('c', ['column-sum']);
    expectAppended('g', [norm, 'column-sum']);
    expectAppended('cg', [norm, 'column-sum', 'column-sum']);
    expectAppended('u', [norm, 'matmul']);
    expectAppended('b', [norm, 'matmul', 'column-sum']);
    expectAppended('w', [norm, 'matmul', 'matmul']);
    expectAppended('x', [norm, 'matmul', 'matmul']);
    for (const recording of recordings) recording.dispose();
    await Promise.resolve();
  }));

test('a wanted tensor without a part in the result is refused by name', () =>
  withGpu({}, async (gpu) => {
    const recording = new Recording(gpu, training);
    const [x, aside, seed] = ['x', 'aside', 'seed'].map((name) => recording.persistent(name, [2]));
    const y = activate(x!, 'relu');
    const other = activate(aside!, 'relu');
    const seeds = new Map([[y, seed!]]);
    for (const tensor of [aside!, other]) {
      await expectError(
        () => gradients(recording, seeds, [x!, tensor], gradientRules),
        'INPUT_INVALID',
        tensor.describe(),
        'no part in the result',
      );
    }
    // Softmax on its own has no gradient, so nothing flows through it.
    const [before, after] = [recording.persistent('before', [1, 2]), recording];
    const cut = new Map([[activate(softmax(before), 'relu'), after.persistent('seed', [1, 2])]]);
    await expectError(
      () => gradients(recording, cut, [before], gradientRules),
      'INPUT_INVALID',
      'before',
    );
    // Without training there is nothing to go back through.
    const plain = new Recording(gpu);
    const z = plain.persistent('z', [2]);
    const plainSeeds = new Map([[activate(z, 'relu'), plain.persistent('seed', [2])]]);
    await expectError(
      () => gradients(plain, plainSeeds, [z], gradientRules),
      'INPUT_INVALID',
      'z f32(2)',
    );
    for (const used of [plain, recording]) used.dispose();
  }));

test('an operation without a rule is refused by name, where a gradient must pass it', () =>
  withGpu({}, async (gpu) => {
    const recording = new Recording(gpu, training);
    const [x, other, seed] = ['x', 'other', 'seed'].map((name) => recording.persistent(name, [2]));
    const hidden = activate(x!, 'relu');
    const seeds = new Map([[add(hidden, other!), seed!]]);
    const { rules } = gradientRules;
    const some = { ...gradientRules, rules: { add: rules['add']! } };
    await expectError(
      () => gradients(recording, seeds, [other!, x!], some),
      'MODEL_UNSUPPORTED',
      'activate',
      hidden.describe(),
      'has no gradient',
    );
    const found = gradients(recording, seeds, [other!, hidden], some);
    expect([...found.values()]).toEqual([seed, seed]);
    recording.dispose();
  }));

/** A layer of everything: attention, residual, norm, activation, a tied weight. */
async function playLayer(recording: Recording): Promise<string[]> {
  const random = new Random(7);
  const data = new Map<Tensor, Data>();
  const draw = (label: string, ...shape: number[]): Tensor => {
    const tensor = recording.persistent(label, shape);
    const size = shape.reduce((product, n) => product * n, 1);
    data.set(tensor, random.values(size, { outliers: 0 }));
    return tensor;
  };
  const [batch, length, width] = [3, 71, 12];
  const x = draw('x', batch, length, width);
  const qkv = draw('qkv', 3 * width, width);
  const [inner, gain, bias] = [draw('inner', width, width), draw('gain', width), draw('b', width)];
  const keyMask = recording.persistent('mask', [batch, length], 'u32');
  data.set(keyMask, random.indices(batch * length, 2));
  const tensor = matmul(x, qkv, { transposed: true });
  const [q, k, v] = [0, 1, 2].map((part) => ({ tensor, start: part * width }));
  const shape = { keyMask, heads: 2, headSize: width / 2, causal: true };
  const { output } = attention({ q: q!, k: k!, v: v!, ...shape });
  const normed = normalize(output, { weight: gain, bias, eps: 1e-5 }, { residual: x });
  const hidden = matmul(normed, inner, { bias, activation: 'gelu' });
  const y = matmul(hidden, inner, { transposed: true, residual: normed });
  const seeds = new Map([[y, draw('seed', batch, length, width)]]);
  const found = gradients(recording, seeds, [x, qkv, inner, gain, bias, hidden], gradientRules);
  const plan = await Plan.create(recording, [...found.values()]);
  const plays: string[] = [];
  for (let n = 0; n < 2; n++) {
    for (const [one, values] of data) plan.write(one, values);
    const bits = (await plan.play()).map((bytes) => new Uint32Array(bytes).join());
    plays.push(bits.join(';'));
    const numbers = new Float32Array(Uint32Array.from(bits[0]!.split(','), Number).buffer);
    expect(numbers.every((value) => Number.isFinite(value))).toBe(true);
    expect(numbers.some((value) => value !== 0)).toBe(true);
  }
  plan.dispose();
  return plays;
}

for (const { name, options } of gpus) {
  test(`gradients agree bit for bit from run to run, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const runs = [
        ...(await playLayer(new Recording(gpu, training))),
        ...(await playLayer(new Recording(gpu, training))),
      ];
      expect(runs).toHaveLength(4);
      expect(new Set(runs).size).toBe(1);
    }));
}

test('gradients of one recording can be taken twice', () =>
  withGpu({}, async (gpu) => {
    const recording = new Recording(gpu, training);
    const [x, seed] = [recording.persistent('x', [2]), recording.persistent('seed', [2])];
    const y = add(activate(x, 'relu'), x);
    const first = gradients(recording, new Map([[y, seed]]), [x], gradientRules);
    const second = gradients(recording, new Map([[y, seed]]), [x], gradientRules);
    const plan = await Plan.create(recording, [first.get(x)!, second.get(x)!]);
    plan.write(x, Float32Array.from([1, -1]));
    plan.write(seed, Float32Array.from([3, 5]));
    const played = await plan.play();
    expect(played.map((bytes) => [...new Float32Array(bytes)])).toEqual([
      [6, 5],
      [6, 5],
    ]);
    plan.dispose();
  }));
