// Adapters on disk in PEFT's layout, and what is refused: files for another model or of another kind,
// options, and merging at the wrong time.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Gpu, loadModel, type Model, type ModelInputs } from 'webgpu-transformer';
import { loadLora, Lora, type LoraOptions, Trainer } from 'webgpu-transformer/training';
import { withGpu } from '../support/gpu.ts';
import { bitsOf, fill } from '../support/lora.ts';
import { randomMarian } from '../support/marian-checkpoint.ts';
import { expectRejection } from '../support/rejection.ts';
import { safetensorsFile } from '../support/safetensors.ts';
import {
  fixtureFiles,
  fixtureSource,
  memorySource,
  readValues,
  type Values,
  withFields,
} from '../support/source.ts';

const names = ['adapter_config.json', 'adapter_model.safetensors'];
const [config, weights] = names as [string, string];
const given = await fixtureFiles('marian_lora', names);
const query = 'model.encoder.layers.0.self_attn.q_proj';
const key = (module: string, matrix: 'A' | 'B'): string =>
  `base_model.model.${module}.lora_${matrix}.weight`;

let gpu: Gpu;
let model: Model;
beforeAll(async () => {
  gpu = await Gpu.request();
  model = await loadModel(fixtureSource('marian'), { gpu });
});
afterAll(() => {
  model.dispose();
  if (gpu.memory.bytes > 0) throw new Error('The tests left memory behind.');
  gpu.dispose();
});

const batch: ModelInputs = { inputIds: [[5, 7, 0]], labels: [[9, 4, 0]] };

/** The adapter by PEFT with some fields of its configuration changed. */
function configured(fields: Readonly<Record<string, unknown>>): Promise<Lora> {
  const files = { ...given, [config]: withFields(given[config], fields) };
  return loadLora(model, memorySource(files));
}

/** The adapter by PEFT with other tensors. */
function holding(change: (tensors: Map<string, Values>) => void, fields = {}): Promise<Lora> {
  const tensors = readValues(given[weights]!);
  change(tensors);
  const stored = [...tensors].map(([name, { shape, data }]) => {
    const bytes = new Uint8Array(data.slice().buffer);
    return [name, { dtype: 'F32', shape, bytes }] as const;
  });
  const files = {
    [weights]: safetensorsFile(Object.fromEntries(stored)),
    [config]: withFields(given[config], fields),
  };
  return loadLora(model, memorySource(files));
}

test('an adapter is saved as PEFT saves it, and loaded from the folder', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lora-'));
  try {
    using lora = new Lora(model, { rank: 2, alpha: 3, targets: `${query.slice(0, -6)}*_proj` });
    const values = await fill(gpu, lora, 5);
    await lora.save(folder);
    expect((await readdir(folder)).toSorted()).toEqual(names);
    const written = JSON.parse(await readFile(join(folder, config), 'utf8')) as object;
    const theirs = JSON.parse(new TextDecoder().decode(given[config])) as object;
    expect(written).toMatchObject({
      base_model_name_or_path: null,
      bias: 'none',
      fan_in_fan_out: false,
      lora_alpha: 3,
      lora_dropout: 0,
      peft_type: 'LORA',
      r: 2,
      target_modules: ['k_proj', 'out_proj', 'q_proj', 'v_proj'].map(
        (name) => `model.encoder.layers.0.self_attn.${name}`,
      ),
      task_type: 'SEQ_2_SEQ_LM',
    });
    expect(Object.keys(theirs)).toEqual(expect.arrayContaining(Object.keys(written)));
    const file = new Uint8Array(await readFile(join(folder, weights)));
    const stored = readValues(file);
    expect([...stored.keys()].toSorted()).toEqual([...values.keys()].toSorted());
    for (const [name, { shape, data }] of values) expect(stored.get(name)).toEqual({ shape, data });
    using loaded = await loadLora(model, folder);
    expect([loaded.rank, loaded.alpha, loaded.targets]).toEqual([2, 3, lora.targets]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('what a configuration may not say', async () => {
  const unsupported: Readonly<Record<string, unknown>> = {
    bias: 'lora_only',
    init_lora_weights: 'pissa',
    peft_type: 'IA3',
    lora_bias: true,
    something_new: 'set',
  };
  for (const [field, value] of Object.entries(unsupported)) {
    await expectRejection(
      configured({ [field]: value }),
      'MODEL_UNSUPPORTED',
      field,
      JSON.stringify(value),
    );
  }
  // These are read, and the weights have to go with them.
  await expectRejection(configured({ use_dora: true }), 'TENSOR_MISSING', 'lora_magnitude_vector');
  await expectRejection(configured({ modules_to_save: 'all' }), 'CONFIG_INVALID', '"all"');
  for (const [field, value] of [
    ['r', 0],
    ['r', 2.5],
    ['r', '4'],
    ['lora_alpha', -1],
    ['lora_dropout', 1],
  ] as const) {
    await expectRejection(
      configured({ [field]: value }),
      'CONFIG_INVALID',
      field,
      JSON.stringify(value),
    );
  }
  const harmless = {
    inference_mode: false,
    init_lora_weights: 'gaussian',
    fan_in_fan_out: true,
    task_type: null,
    use_dora: false,
  };
  (await configured({ ...harmless, something_new: null })).dispose();
});

test('adapters of other models, and files that do not fit together', async () => {
  const other = randomMarian(3, { d_model: 28, decoder_layers: 2, encoder_layers: 2 });
  using smaller = await loadModel(memorySource(other.files), { gpu });
  const peft = fixtureSource('marian_lora');
  await expectRejection(
    loadLora(smaller, peft),
    'TENSOR_MISMATCH',
    'lora_A.weight',
    '(4, 32)',
    '_proj.weight" (28, 28)',
    '"marian"',
  );
  const shallow = randomMarian(3, {
    d_model: 32,
    decoder_layers: 1,
    encoder_layers: 2,
    encoder_ffn_dim: 48,
    decoder_ffn_dim: 48,
  });
  using short = await loadModel(memorySource(shallow.files), { gpu });
  await expectRejection(
    loadLora(short, peft),
    'TENSOR_MISSING',
    'model.decoder.layers.1.',
    'the nearest is "model.decoder.layers.0.',
  );
  await expectRejection(configured({ r: 8 }), 'TENSOR_MISMATCH', 'rank 8', '(4, 32)');
  await expectRejection(
    holding((all) => all.delete(key(query, 'B'))),
    'TENSOR_MISSING',
    key(query, 'B'),
  );
  await expectRejection(
    holding((all) => all.delete(key(query, 'A')) && all.delete(key(query, 'B'))),
    'TENSOR_MISSING',
    key(query, 'A'),
    'target_modules',
  );
  await expectRejection(
    configured({ target_modules: ['q_proj', 'v_proj'] }),
    'FILE_INVALID',
    '.fc1"',
  );
  await expectRejection(
    holding((all) => all.clear()),
    'FILE_INVALID',
    'no tensors',
  );
  const one = { shape: [4, 112], data: new Float32Array(448) };
  await expectRejection(
    holding((all) => all.set('base_model.model.model.shared.lora_E', one)),
    'MODEL_UNSUPPORTED',
    'lora_E',
  );
  await expectRejection(
    holding((all) => all.set('base_model.model.model.shared.lora_embedding_A', one), {
      target_modules: '.*',
    }),
    'MODEL_UNSUPPORTED',
    '"model.shared", which is an embedding of several stacks',
  );
  const files = { [config]: given[config]! };
  await expectRejection(loadLora(model, memorySource(files)), 'FILE_NOT_FOUND', weights);
  await expectRejection(loadLora(model, memorySource({})), 'FILE_NOT_FOUND', config);
});

test('what options may not say', async () => {
  const make = (options: LoraOptions) => (): Lora => new Lora(model, options);
  for (const rank of [0, 1.5, -2]) {
    await expectRejection(make({ rank }), 'OPTION_INVALID', `rank is ${rank}`);
  }
  await expectRejection(make({ alpha: 0 }), 'OPTION_INVALID', 'alpha');
  await expectRejection(make({ seed: 0.5 }), 'OPTION_INVALID', 'seed');
  await expectRejection(make({ targets: [] }), 'OPTION_INVALID', 'targets');
  await expectRejection(make({ targets: 'q_proj' }), 'OPTION_INVALID', 'Did you mean "*q_proj"?');
  await expectRejection(make({ targets: '*.v_prj' }), 'OPTION_INVALID', 'Did you mean "*v_proj"?');
  const close = query.replace('self_attn', 'selfattn');
  await expectRejection(make({ targets: close }), 'OPTION_INVALID', `Did you mean "${query}"?`);
  await expectRejection(
    make({ targets: ['*.fc1', 'model.shared'] }),
    'OPTION_INVALID',
    'an embedding',
  );
  await expectRejection(make({ targets: '*' }), 'OPTION_INVALID', 'linear layers');
  await expectRejection(make({ targets: /layer_norm$/ }), 'OPTION_INVALID', 'no matrix');
  await expectRejection(make({ ranks: 3 } as LoraOptions), 'OPTION_UNKNOWN', '"rank"');
});

test('merging at the wrong time', async () => {
  const before = await bitsOf(gpu, model);
  using lora = new Lora(model, { rank: 2 });
  using second = new Lora(model, { rank: 2, targets: '*.k_proj' });
  await fill(gpu, lora, 1);
  using trainer = new Trainer(model, { learningRate: 0.1, adapter: lora });
  const steps = (): Promise<unknown> => trainer.steps([batch]).next();
  await expectRejection(lora.unmerge(), 'INPUT_INVALID', 'not merged');
  await lora.merge();
  await expectRejection(lora.merge(), 'INPUT_INVALID', 'merged already');
  await expectRejection(second.merge(), 'INPUT_INVALID', 'Another adapter');
  await expectRejection(steps(), 'INPUT_INVALID', 'unmerge()');
  await expectRejection(trainer.evaluate([batch]), 'INPUT_INVALID', 'unmerge()');
  await lora.unmerge();
  const both = [lora.merge(), lora.merge()];
  await expectRejection(both[1]!, 'INPUT_INVALID', 'in use');
  await both[0];
  await lora.unmerge();
  let count = 0;
  for await (const { step } of trainer.steps([batch, batch])) {
    count = step;
    await expectRejection(lora.merge(), 'INPUT_INVALID', 'in use');
  }
  expect(count).toBe(2);
  await second.merge();
  await second.unmerge();
  expect(await bitsOf(gpu, model)).toEqual(before);
  await expectRejection(
    trainer.saveModel({ write: async () => {} }, { dtype: 'f16' }),
    'OPTION_INVALID',
    'f32',
  );
});

test('the wrong model, and none any more', () =>
  withGpu({}, async (own) => {
    const source = memorySource(randomMarian(4, {}).files);
    const [one, two] = [
      await loadModel(source, { gpu: own }),
      await loadModel(source, { gpu: own }),
    ];
    using lora = new Lora(one, { rank: 2 });
    using trainer = new Trainer(two, { learningRate: 0.1, adapter: lora });
    await expectRejection(trainer.evaluate([batch]), 'INPUT_INVALID', 'another model');
    await lora.merge();
    one.dispose();
    await expectRejection(lora.unmerge(), 'DISPOSED', 'model');
    lora.dispose();
    await expectRejection(lora.save({ write: async () => {} }), 'DISPOSED', 'adapter');
    two.dispose();
    await expectRejection(() => new Lora(two), 'DISPOSED');
  }));

test('a merge that f16 cannot hold changes nothing', async () => {
  using halves = await loadModel(fixtureSource('marian'), { gpu, dtype: 'f16' });
  using lora = new Lora(halves, { rank: 1, alpha: 1e7 });
  await fill(gpu, lora, 8);
  const before = await bitsOf(gpu, halves);
  await expectRejection(lora.merge(), 'OPTION_INVALID', 'f16 cannot hold', '65504');
  expect(lora.isMerged).toBe(false);
  expect(await bitsOf(gpu, halves)).toEqual(before);
});
