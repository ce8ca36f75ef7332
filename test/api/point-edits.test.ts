// What looking at named points costs, what is recorded for it, and what is refused.
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Gpu, loadModel, type Model, type PointEdit, type PointOptions } from 'webgpu-transformer';
import { Plan } from '../../src/runtime/plan.ts';
import { fixtureSource } from '../support/source.ts';

let gpu: Gpu;
let model: Model;
const create = vi.spyOn(Plan, 'create');

beforeAll(async () => {
  gpu = await Gpu.request();
  model = await loadModel(fixtureSource('gpt2'), { gpu });
});

afterAll(() => gpu.dispose());

const inputs = { inputIds: [[70, 75, 21]] };
const size = 32;
const vector = (value: number): number[] => Array<number>(size).fill(value);

/** The operations of the list that a call records, where it records one. */
async function operationsOf(options?: PointOptions): Promise<string[] | undefined> {
  create.mockClear();
  await model.forward(inputs, options);
  const [recording] = create.mock.calls[0] ?? [];
  return recording?.dispatches.map(({ kernel }) => kernel.operation);
}

/** A layer of GPT-2: norm, projections, attention, two products, norm, two products. */
const attending = ['layer-norm', 'matmul', 'attention', 'matmul'];
const feeding = ['layer-norm', 'matmul', 'matmul'];
const layer = [...attending, ...feeding];

test('who asks for no point has the list as it was, and who does has what is asked for besides', async () => {
  const plain = ['embedding', ...layer, ...layer, 'layer-norm', 'matmul'];
  expect(await operationsOf()).toEqual(plain);
  const { bytes } = gpu.memory;
  // Empty lists ask for nothing.
  expect(await operationsOf({ capture: [], edit: [] })).toBe(undefined);
  expect(gpu.memory.bytes).toBe(bytes);

  expect(
    await operationsOf({ capture: ['layers.*.output', 'layers.0.feedForward.inner'] }),
  ).toEqual(plain);
  const seen = ['layer-norm', 'matmul', 'attention', 'attention-weights', 'matmul'];
  expect(await operationsOf({ capture: ['layers.1.attention.weights'] })).toEqual([
    'embedding',
    ...layer,
    ...seen,
    ...feeding,
    'layer-norm',
    'matmul',
  ]);
  const edited = ['edit', ...layer, ...layer, 'layer-norm', 'matmul'];
  expect(await operationsOf({ edit: [{ at: 'embeddings', scale: 2 }] })).toEqual([
    'embedding',
    ...edited,
  ]);
});

test('other numbers at the same points need no other list', async () => {
  const results: number[] = [];
  const edits: Omit<PointEdit, 'at'>[] = [
    { add: vector(1), positions: [0] },
    { add: vector(2), positions: [1, 2], scale: 3 },
    { replace: 0, sequences: [0] },
    { scale: 0.5 },
    { replace: vector(0.5) },
  ];
  create.mockClear();
  for (const edit of edits) {
    const { logits } = await model.forward(inputs, { edit: [{ at: 'layers.1.input', ...edit }] });
    results.push(logits!.data[0]!);
  }
  expect(create).toHaveBeenCalledOnce();
  expect(new Set(results).size).toBe(edits.length);
  // And none lasts: lists that were not asked for the longest time go.
  const { bytes } = gpu.memory;
  for (let round = 0; round < 2; round++) {
    for (const { name } of (await model.points()).slice(0, 12)) {
      await model.forward(inputs, { capture: [name] });
    }
  }
  expect(gpu.memory.bytes).toBeLessThan(bytes + 4e6);
});

test('what comes before an activation that another stands in the place of is not computed', async () => {
  const at = 'layers.1.input';
  const plain = await model.forward(inputs, { capture: [at] });
  const own = plain.captured![at]!;
  const other = { data: own.data.map((value) => 2 * value), shape: own.shape };
  const behind = [...layer, 'layer-norm', 'matmul'];
  const given = { edit: [{ at, from: own }] };
  expect(await operationsOf(given)).toEqual(behind);
  expect((await model.forward(inputs, given)).logits!.data).toEqual(plain.logits!.data);
  // Other numbers need no other list, and what is read or changed there is what stands there now.
  create.mockClear();
  const doubled = await model.forward(inputs, { edit: [{ at, replace: other }] });
  expect(create).not.toHaveBeenCalled();
  const edit = [
    { at, replace: other },
    { at, add: 1, positions: [1] },
  ];
  const read = { capture: [at, 'embeddings'], edit };
  expect(await operationsOf(read)).toEqual(['embedding', 'edit', ...behind]);
  const { captured } = await model.forward(inputs, read);
  expect([...captured![at]!.data]).toEqual(
    Array.from(other.data, (value, i) =>
      Math.floor(i / size) === 1 ? Math.fround(value + 1) : value,
    ),
  );
  // Where anything of the activation stays, all before it is computed.
  const half = [{ at, replace: own, scale: 2, sequences: [0] }];
  expect(await operationsOf({ edit: half })).toEqual(['embedding', ...layer, 'edit', ...behind]);
  const { logits } = await model.forward(inputs, { edit: half });
  logits!.data.forEach((value, i) => expect(value).toBeCloseTo(doubled.logits!.data[i]!, 4));
});

test('edits act one after the other, and what is read is what they leave', async () => {
  const { captured } = await model.forward(inputs, {
    edit: [
      { at: 'layers.*.input', replace: 1 },
      { at: 'layers.1.input', add: vector(2), scale: 2, positions: [1] },
      { at: 'layers.1.input', scale: 10, positions: [1, 2] },
    ],
    capture: ['blocks.1.hook_resid_pre', 'layers.0.input'],
  });
  expect(Object.keys(captured!)).toEqual(['blocks.1.hook_resid_pre', 'layers.0.input']);
  const { data, shape } = captured!['blocks.1.hook_resid_pre']!;
  expect(shape).toEqual([1, 3, size]);
  expect([data[0], data[size], data[2 * size]]).toEqual([1, 50, 10]);
});

test('what follows from scores and weights follows from those that are put in place', async () => {
  const names = ['scores', 'weights', 'value', 'heads'].map((name) => `layers.0.attention.${name}`);
  const read = async (edit: PointEdit[]) => {
    const { captured = {} } = await model.forward(inputs, { capture: names, edit });
    return names.map((name) => captured[name]!.data);
  };
  const [scores, weights, values, heads] = await read([]);
  // A softmax is the same for all scores together.
  const moved = await read([{ at: names[0]!, add: 3 }]);
  [weights!, heads!].forEach((wanted, i) => {
    wanted.forEach((value, at) => expect(moved[[1, 3][i]!]![at]).toBeCloseTo(value, 5));
  });
  expect(moved[0]![0]).toBeCloseTo(scores![0]! + 3, 5);
  // Weights of one key alone give its value.
  const first = await read([{ at: names[1]!, replace: [0, 1, 0], heads: [2], positions: [0, 2] }]);
  const headSize = size / 4;
  const of = (data: Float32Array, token: number): number[] => [
    ...data.subarray((token * 4 + 2) * headSize, (token * 4 + 3) * headSize),
  ];
  for (const token of [0, 2]) expect(of(first[3]!, token)).toEqual(of(values!, 1));
  expect(of(first[3]!, 1)).toEqual(of(heads!, 1).map((value): unknown => expect.closeTo(value, 5)));
});

const tensor = { data: new Float32Array(3 * size), shape: [1, 3, size] };
const refused: readonly (readonly [string, PointOptions, RegExp])[] = [
  ['another name', { capture: ['layers.0.outputs'] }, /Near it: layers\.0\.output/],
  ['a part of it', { capture: ['layers.1.attention.pattern'] }, /Near it: .*model\.points\(\)/],
  ['no such layer', { edit: [{ at: 'layers.7.output', scale: 2 }] }, /Near it: layers\.\d\.output/],
  ['a pattern of nothing', { capture: ['layers.*.crossAttention.*'] }, /No point/],
  ['a hook that is elsewhere', { capture: ['blocks.0.hook_scale'] }, /No point/],
  ['one head', { capture: ['layers.0.head.1'] }, /capture layers\.0\.selfAttention\.heads/],
  ['no such head', { edit: [{ at: 'layers.0.head.4', replace: 0 }] }, /below 4/],
  ['heads of what has none', { edit: [{ at: 'embeddings', scale: 0, heads: [0] }] }, /no heads/],
  ['no such position', { edit: [{ at: 'embeddings', scale: 0, positions: [3] }] }, /below 3/],
  ['no such sequence', { edit: [{ at: 'embeddings', scale: 0, sequences: [1] }] }, /below 1/],
  ['half a position', { edit: [{ at: 'embeddings', scale: 0, positions: [0.5] }] }, /below 3/],
  ['nothing to do', { edit: [{ at: 'embeddings' }] }, /nothing to do/],
  ['two things at once', { edit: [{ at: 'embeddings', add: 1, replace: 2 }] }, /add and replace/],
  ['a shorter vector', { edit: [{ at: 'embeddings', add: [1, 2] }] }, /2 numbers; wanted .* 32/],
  ['NaN in a vector', { edit: [{ at: 'embeddings', add: vector(NaN) }] }, /NaN at 0/],
  ['NaN', { edit: [{ at: 'embeddings', replace: NaN }] }, /is NaN/],
  ['no end', { edit: [{ at: 'embeddings', add: 1, scale: Infinity }] }, /scale is Infinity/],
  [
    'a tensor of another shape',
    { edit: [{ at: 'embeddings', replace: { ...tensor, shape: [3, size] } }] },
    /shape \(3, 32\).*wanted .*\(1, 3, 32\)/,
  ],
  ['a result without it', { edit: [{ at: 'embeddings', from: { other: tensor } }] }, /captured/],
];

test.each(refused)('%s is refused, and nothing is recorded', async (_, options, message) => {
  create.mockClear();
  await expect(model.forward(inputs, options)).rejects.toMatchObject({
    code: 'OPTION_INVALID',
    message: expect.stringMatching(message) as unknown,
  });
  expect(create).not.toHaveBeenCalled();
});

test('an unknown field, and a model that is disposed of', async () => {
  const wrong = { at: 'embeddings', replaec: 2 } as unknown as PointEdit;
  await expect(model.forward(inputs, { edit: [wrong] })).rejects.toMatchObject({
    code: 'OPTION_UNKNOWN',
    message: expect.stringContaining('"replace"') as unknown,
  });
  const other = await loadModel(fixtureSource('gpt2'), { gpu });
  other.dispose();
  await expect(other.points()).rejects.toMatchObject({ code: 'DISPOSED' });
  await expect(other.forward(inputs, { capture: ['logits'] })).rejects.toMatchObject({
    code: 'DISPOSED',
  });
});

test('points that are computed from other inputs are named', async () => {
  using pair = await loadModel(fixtureSource('variants/clip_pairs'), { gpu });
  await expect(
    pair.forward({ inputIds: [[3, 4, 5]] }, { capture: ['vision.layers.0.output'] }),
  ).rejects.toMatchObject({
    code: 'OPTION_INVALID',
    message: expect.stringMatching(/vision/) as unknown,
  });
});
