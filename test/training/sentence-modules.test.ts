// Checkpoints of sentence-transformers learn with what stands behind them: losses and gradients as Python has them, saved
// as they were, and what does not train refused.
import { expect, test } from 'vitest';
import { loadModel, type LoadOptions, type ModelInputs, type Source } from 'webgpu-transformer';
import {
  completeRun,
  contrastive,
  Lora,
  sgd,
  Trainer,
  trainingMemory,
} from 'webgpu-transformer/training';
import { readParameters } from '../../src/model/weights/read-parameters.ts';
import { withFiles } from '../../src/source/overlay.ts';
import { expectClose } from '../support/expected.ts';
import { readFixture, readFixtureJson } from '../support/fixture.ts';
import { sharedGpu } from '../support/gpu.ts';
import { expectRejection } from '../support/rejection.ts';
import { type Files, fixtureSource, jsonFiles, readValues } from '../support/source.ts';
import { MemoryTarget } from '../support/training.ts';

const folder = 'contrastive/modules';
const { input_ids: inputIds, attention_mask: attentionMask } = (await readFixtureJson(
  'contrastive/expected.json',
)) as { input_ids: number[][]; attention_mask: number[][] };
const inputs: ModelInputs = { inputIds, attentionMask };
const expected = (await readFixtureJson(`${folder}/expected.json`)) as {
  readonly columns: number;
  readonly loss: number;
  readonly grad_norm: number;
};
const dense = '3_Dense.linear.weight';

/** `bert_base` with CLS pooling, Normalize, Dense with tanh and its input added, LayerNorm, Dense, Normalize behind it. */
function checkpoint(files: Files = {}): Source {
  const [body, behind] = [fixtureSource('bert_base'), fixtureSource(folder)];
  const isBehind = (file: string): boolean => /^\d_|^modules|^sentence/.test(file);
  const from = (file: string): Source => (isBehind(file) ? behind : body);
  const source: Source = {
    name: folder,
    read: (file, range) => from(file).read(file, range),
    size: async (file) => from(file).size?.(file),
  };
  return withFiles(source, new Map(Object.entries(files)));
}

const onGpu = sharedGpu();
const objective = contrastive({ columns: expected.columns });
const settings = { learningRate: 1, optimizer: sgd(), objective };

test('losses and gradients of its modules are those of sentence-transformers', () =>
  onGpu(async (gpu) => {
    using model = await loadModel(checkpoint(), { gpu, training: true, modules: true });
    const { gradients, optimizer } = trainingMemory(model, settings, inputs);
    const loaded = gpu.memory.bytes;
    using trainer = new Trainer(model, settings);
    const rest = gpu.memory.bytes - loaded - gradients - optimizer;
    expect(Math.abs(rest - 2048)).toBeLessThan(2048); // counters and settings
    const { loss: held } = await trainer.evaluate([inputs]);
    expect(Math.abs(held - expected.loss)).toBeLessThan(1e-5 * expected.loss);
    const before = await readParameters(gpu, trainer.state.parameters);
    for await (const { loss, gradNorm } of trainer.steps([inputs])) {
      expect(Math.abs(loss - expected.loss)).toBeLessThan(1e-5 * expected.loss);
      expect(Math.abs(gradNorm - expected.grad_norm)).toBeLessThan(1e-4 * expected.grad_norm);
    }
    const after = await readParameters(gpu, trainer.state.parameters);
    for (const [key, gradient] of readValues(await readFixture(`${folder}/grads.safetensors`))) {
      const { data, shape } = before.get(key)!;
      const moved = Float32Array.from(data, (value, i) => value - after.get(key)!.data[i]!);
      expectClose({ data: moved, shape }, gradient, key, undefined, 1e-3);
    }
  }));

test('what is saved is a folder of sentence-transformers again, and a run goes on from it', () =>
  onGpu(async (gpu) => {
    const load = { gpu, training: true, modules: true };
    using model = await loadModel(checkpoint(), load);
    using trainer = new Trainer(model, settings);
    for await (const _ of trainer.steps([inputs]));
    const target = new MemoryTarget();
    await trainer.save(target);
    const { loss: wanted } = await trainer.evaluate([inputs]);
    const names = Object.keys(target.files);
    for (const name of ['modules.json', '3_Dense/config.json', 'sentence_bert_config.json']) {
      const text = new TextDecoder().decode(target.files[name]);
      expect(JSON.parse(text)).toEqual(await readFixtureJson(`${folder}/${name}`));
    }
    const tensorsOf = (file: string): string[] => [...readValues(target.files[file]!).keys()];
    expect(tensorsOf('3_Dense/model.safetensors').toSorted()).toEqual([
      'linear.bias',
      'linear.weight',
    ]);
    expect(tensorsOf('5_Dense/model.safetensors')).toEqual(['linear.weight']);
    expect(tensorsOf('model.safetensors').filter((key) => /^\d/.test(key))).toEqual([]);

    using again = await loadModel(target.source, load);
    using other = new Trainer(again, settings);
    expect((await other.evaluate([inputs])).loss).toBe(wanted);
    await other.restore(target.source);
    const [here, there]: number[][] = [[], []];
    for await (const { loss } of trainer.steps(() => inputs, { maxSteps: 3 })) here!.push(loss);
    for await (const { loss } of other.steps(() => inputs, { maxSteps: 3 })) there!.push(loss);
    expect(there).toEqual(here);

    const { 'modules.json': _list, '3_Dense/model.safetensors': lost, ...rest } = target.files;
    const cut = new MemoryTarget();
    for (const [name, bytes] of Object.entries(rest)) await cut.write(name, bytes);
    const write = cut.write.bind(cut);
    const made = await completeRun({ ...cut.source, write });
    expect(made.toSorted()).toEqual(['3_Dense/model.safetensors', 'modules.json']);
    expect(cut.files['3_Dense/model.safetensors']).toEqual(lost);
    expect(Object.keys(cut.files).toSorted()).toEqual(names.toSorted());
  }));

test('modules may stay frozen, or beside adapters', () =>
  onGpu(async (gpu) => {
    using model = await loadModel(checkpoint(), { gpu, training: true, modules: true });
    using frozen = new Trainer(model, { ...settings, freeze: [/^\d_/] });
    const before = (await readParameters(gpu, frozen.state.parameters)).get(dense)!;
    for await (const _ of frozen.steps([inputs]));
    expect((await readParameters(gpu, frozen.state.parameters)).get(dense)).toEqual(before);

    using base = await loadModel(checkpoint(), { gpu, modules: true, dtype: 'f32' });
    await expectRejection(() => new Lora(base, { targets: ['*_Dense.linear'] }), 'OPTION_INVALID');
    using lora = new Lora(base, { rank: 2 });
    using tuner = new Trainer(base, { adapter: lora, learningRate: 0.01, objective });
    expect(Math.abs((await tuner.evaluate([inputs])).loss - expected.loss)).toBeLessThan(1e-5);
    const losses: number[] = [];
    for await (const { loss } of tuner.steps(() => inputs, { maxSteps: 8 })) losses.push(loss);
    expect(losses.at(-1)!).toBeLessThan(0.8 * losses[0]!);
  }));

test('without modules.json the pooling is that of sentence-transformers, and a choice of your own counts', () =>
  onGpu(async (gpu) => {
    const lossOf = async (
      source: Source,
      given: Parameters<typeof contrastive>[0],
      how: LoadOptions,
    ) => {
      using model = await loadModel(source, { gpu, training: true, ...how });
      const own = contrastive({ columns: 3, ...given });
      using trainer = new Trainer(model, { ...settings, objective: own });
      return (await trainer.evaluate([inputs])).loss;
    };
    const plain = fixtureSource('bert_base');
    const mean = await lossOf(plain, { pooling: 'mean' }, {});
    expect(await lossOf(plain, {}, { modules: true })).toBe(mean);
    expect(await lossOf(checkpoint(), { pooling: 'mean' }, { modules: true })).not.toBe(
      expected.loss,
    );
    const few = {
      'modules.json': [{ path: '1_Pooling', type: 'sentence_transformers.models.Pooling' }],
    };
    const pooled = await lossOf(checkpoint(jsonFiles(few)), {}, { modules: true });
    expect(pooled).toBe(await lossOf(plain, { pooling: 'cls' }, {}));
  }));

test('what does not train is refused', () =>
  onGpu(async (gpu) => {
    const load = (files: Record<string, unknown>): Promise<unknown> =>
      loadModel(checkpoint(jsonFiles(files)), { gpu, training: true, modules: true });
    const before = gpu.memory.bytes;
    await expectRejection(
      load({ '1_Pooling/config.json': { pooling_mode: 'max' } }),
      'MODEL_UNSUPPORTED',
      'max',
    );
    await expectRejection(
      load({ '1_Pooling/config.json': { pooling_mode: ['cls', 'mean'] } }),
      'MODEL_UNSUPPORTED',
      'cls with mean',
    );
    const sizes = { in_features: 32, out_features: 32 };
    await expectRejection(
      load({ '3_Dense/config.json': { ...sizes, activation_function: 'torch.nn.ELU' } }),
      'MODEL_UNSUPPORTED',
      '3_Dense',
      'ELU',
    );
    await expectRejection(
      load({ 'modules.json': [{ path: 'router', type: 'sentence_transformers.models.Router' }] }),
      'MODEL_UNSUPPORTED',
      'Router',
    );
    await expectRejection(
      load({ '3_Dense/config.json': { ...sizes, out_features: 8 } }),
      'TENSOR_MISMATCH',
      dense,
    );
    await expectRejection(
      loadModel(fixtureSource('marian'), { gpu, training: true, modules: true }),
      'MODEL_UNSUPPORTED',
      'more than one stack',
    );
    await expectRejection(
      loadModel(checkpoint(), { gpu, modules: true, head: { labels: ['a', 'b'] } }),
      'OPTION_INVALID',
      'Leave one out',
    );
    await expectRejection(
      loadModel(checkpoint(), { gpu, modules: 'yes' as unknown as boolean }),
      'OPTION_INVALID',
      'modules',
    );
    expect(gpu.memory.bytes).toBe(before);
    // Modules in another order than their sizes allow.
    const list = (await readFixtureJson(`${folder}/modules.json`)) as object[];
    const swapped = [...list.slice(0, 3), list[5], list[3]];
    using model = await loadModel(checkpoint(jsonFiles({ 'modules.json': swapped })), {
      gpu,
      training: true,
      modules: true,
    });
    using trainer = new Trainer(model, settings);
    await expectRejection(trainer.evaluate([inputs]), 'FILE_INVALID', '3_Dense', '32', '5');
  }));
