// Parameters on the GPU under the names of the checkpoint: read, written, saved, loaded again.

import { loadModel, type Source } from 'webgpu-transformer';
import { adam, initialCheckpoint, Trainer } from 'webgpu-transformer/training';
import { describe, expect, test } from 'vitest';
import { float16ToFloat32, float32ToFloat16 } from '../../../src/source/float16.ts';
import { ArenaLayout } from '../../../src/model/weights/parameter-arena.ts';
import {
  namedValues,
  readParameters,
  writeParameters,
} from '../../../src/model/weights/read-parameters.ts';
import { readStates } from '../../../src/training/optimizer-states.ts';
import { openSafetensors } from '../../../src/source/safetensors.ts';
import { readFixture } from '../../support/fixture.ts';
import { sharedGpu } from '../../support/gpu.ts';
import { expectRejection } from '../../support/rejection.ts';
import { fixtureSource, readValues } from '../../support/source.ts';
import {
  MemoryTarget,
  tinyConfig,
  trainTo,
  vocabulary,
  withTrainer,
} from '../../support/training.ts';

const onGpu = sharedGpu();

const inputs = {
  inputIds: [
    [5, 9, 3, 2],
    [8, 2, 0, 0],
  ],
  attentionMask: [
    [1, 1, 1, 1],
    [1, 1, 0, 0],
  ],
  decoderInputIds: [
    [1, 7, 3],
    [1, 4, 11],
  ],
};

async function tensorsOf(source: Source) {
  const entries = [...(await openSafetensors(source)).values()];
  return entries.map(({ name, dtype, shape }) => ({ name, dtype, shape }));
}

describe.each(['marian', 'torch_train_post_adam', 'torch_train_pre_adamw'])('%s', (fixture) => {
  test('a model that was loaded and saved is the checkpoint it came from', async () => {
    await onGpu(async (gpu) => {
      const source = fixtureSource(fixture);
      const model = await loadModel(source, { gpu, training: true });
      const trainer = new Trainer(model, { learningRate: 0.1 });
      const stored = readValues(await readFixture(`${fixture}/model.safetensors`));
      const read = await readParameters(gpu, trainer.state.parameters);
      expect([...read.keys()].toSorted()).toEqual([...stored.keys()].toSorted());
      for (const [name, { shape, data }] of stored) {
        expect(read.get(name), `tensor ${name}`).toEqual({ shape, data });
      }
      const target = new MemoryTarget();
      await trainer.saveModel(target);
      expect(await tensorsOf(target.source)).toEqual(await tensorsOf(source));
      expect(readValues(target.files['model.safetensors']!)).toEqual(stored);
      const { logits } = await model.forward(inputs);
      const plain = await loadModel(source, { gpu });
      const again = await loadModel(target.source, { gpu });
      const trains = await loadModel(target.source, { gpu, training: true });
      for (const other of [plain, again, trains]) {
        expect((await other.forward(inputs)).logits).toEqual(logits);
        other.dispose();
      }
      trainer.dispose();
      model.dispose();
    });
  });

  test('values that are written are what the model computes with', async () => {
    await onGpu(async (gpu) => {
      const model = await loadModel(fixtureSource(fixture), { gpu, training: true });
      const trainer = new Trainer(model, { learningRate: 0.1 });
      const { parameters } = trainer.state;
      const before = await readParameters(gpu, parameters);
      // Every element of every tensor gets another value, told apart by its place.
      let count = 0;
      const changed = new Map(
        [...before].map(([name, { shape, data }]) => [
          name,
          { shape, data: Float32Array.from(data, (value) => value + 1e-3 * Math.sin(count++)) },
        ]),
      );
      writeParameters(gpu, parameters, changed);
      const after = await readParameters(gpu, parameters);
      for (const [name, { data }] of changed) {
        const isConstant = name === 'final_logits_bias';
        expect(after.get(name)?.data, `tensor ${name}`).toEqual(
          isConstant ? before.get(name)?.data : data,
        );
      }
      const target = new MemoryTarget();
      await trainer.saveModel(target);
      const again = await loadModel(target.source, { gpu });
      expect((await again.forward(inputs)).logits).toEqual((await model.forward(inputs)).logits);
      again.dispose();

      const [first = ''] = changed.keys();
      const missing = new Map([...changed].slice(1));
      await expectRejection(
        () => writeParameters(gpu, parameters, missing),
        'TENSOR_MISSING',
        `"${first}"`,
      );
      const flat = { shape: [changed.get(first)!.data.length, 1], data: changed.get(first)!.data };
      await expectRejection(
        () => writeParameters(gpu, parameters, new Map([...changed, [first, flat]])),
        'TENSOR_MISMATCH',
        first,
      );
      expect(await readParameters(gpu, parameters)).toEqual(after);
      trainer.dispose();
      model.dispose();
    });
  });
});

test('saved as f16, every weight is the nearest one, and the model loads', async () => {
  await onGpu(async (gpu) => {
    const model = await loadModel(fixtureSource('marian'), { gpu, training: true });
    const trainer = new Trainer(model, { learningRate: 0.1 });
    const target = new MemoryTarget();
    await trainer.save(target, { dtype: 'f16' });
    const config = JSON.parse(new TextDecoder().decode(target.files['config.json'])) as object;
    expect(config).toEqual({ ...model.config, torch_dtype: 'float16' });
    const entries = await openSafetensors(target.source);
    const file = target.files['model.safetensors']!;
    for (const [name, { shape, data }] of await readParameters(gpu, trainer.state.parameters)) {
      const entry = entries.get(name)!;
      expect([entry.dtype, entry.shape], `tensor ${name}`).toEqual(['F16', shape]);
      const bits = new Uint16Array(file.slice(entry.start, entry.end).buffer);
      expect(bits, `tensor ${name}`).toEqual(float32ToFloat16(Float32Array.from(data)));
      const allowed = (value: number): number => 2 ** -11 * Math.abs(value) + 2 ** -25;
      const values = [...float16ToFloat32(bits)];
      const far = values.filter((value, i) => Math.abs(value - data[i]!) > allowed(data[i]!));
      expect(far, `tensor ${name}`).toEqual([]);
    }
    const half = await loadModel(target.source, { gpu });
    const [got, wanted] = [await half.forward(inputs), await model.forward(inputs)];
    const largest = Math.max(...wanted.logits!.data.map(Math.abs));
    const worst = Math.max(
      ...wanted.logits!.data.map((x, i) => Math.abs(x - got.logits!.data[i]!)),
    );
    expect(worst).toBeGreaterThan(0);
    expect(worst).toBeLessThan(0.02 * largest);
    // The state keeps what f16 would lose.
    const state = readValues(target.files['training_state.safetensors']!);
    const { data } = state.get('parameters.model.shared.weight')!;
    expect(data).toEqual(
      (await readParameters(gpu, trainer.state.parameters)).get('model.shared.weight')!.data,
    );
    half.dispose();
    await expectRejection(
      trainer.save(new MemoryTarget(), { dtype: 'int8' } as object),
      'OPTION_INVALID',
      '"int8"',
    );
    await expectRejection(
      trainer.saveModel(new MemoryTarget(), { dtyp: 'f16' } as object),
      'OPTION_UNKNOWN',
      'Did you mean "dtype"?',
    );
    trainer.dispose();
    model.dispose();
  });
});

test('a drawn checkpoint has all tensors, by its seed, and they are as it says', async () => {
  const read = async (seed: number) => {
    const source = initialCheckpoint(tinyConfig, { seed, generationConfig: { max_length: 9 } });
    const bytes = (await source.read('model.safetensors')) as Uint8Array<ArrayBuffer>;
    return { source, values: readValues(bytes) };
  };
  const { source, values } = await read(4);
  expect((await read(4)).values).toEqual(values);
  expect((await read(5)).values).not.toEqual(values);
  for (const [name, { data, shape }] of values) {
    const largest = Math.max(...data.map(Math.abs));
    if (shape.length === 1 || name === 'final_logits_bias') {
      const isNorm = name.endsWith('norm.weight');
      expect(new Set(data), `tensor ${name}`).toEqual(new Set([isNorm ? 1 : 0]));
    } else if (name.includes('shared')) {
      expect(shape).toEqual([vocabulary, 8]);
      const variance = data.reduce((sum, value) => sum + value * value, 0) / data.length;
      // 152 draws: four standard errors of a variance are about 0.46 of it.
      expect(Math.abs(variance * 8 - 1), `tensor ${name}`).toBeLessThan(0.46);
    } else {
      const bound = Math.sqrt(6 / (shape[0]! + shape[1]!));
      expect(largest, `tensor ${name}`).toBeLessThanOrEqual(bound);
      expect(largest, `tensor ${name}`).toBeGreaterThan(0.9 * bound);
    }
  }
  await onGpu(async (gpu) => {
    const model = await loadModel(source, { gpu, training: true });
    const target = new MemoryTarget();
    const trainer = new Trainer(model, { learningRate: 0.1 });
    await trainer.saveModel(target);
    const generation = new TextDecoder().decode(target.files['generation_config.json']);
    expect(JSON.parse(generation)).toEqual({ max_length: 9 });
    trainer.dispose();
    model.dispose();
  });
  await expectRejection(
    () => initialCheckpoint({ model_type: 'marien' }),
    'MODEL_UNSUPPORTED',
    'marian',
  );
  await expectRejection(
    () => initialCheckpoint(tinyConfig, { seed: 0.5 }),
    'OPTION_INVALID',
    '0.5',
  );
  await expectRejection(
    () => initialCheckpoint({ ...tinyConfig, d_model: 'wide' }),
    'CONFIG_INVALID',
    '"d_model"',
  );
});

test('tensors that do not fit into one buffer lie in several', () => {
  const layout = new ArenaLayout(256);
  const places = [100, 60, 1, 65, 256, 64].map((size) => layout.take(size));
  expect(places).toEqual([
    { segment: 0, first: 0 },
    { segment: 0, first: 128 },
    { segment: 0, first: 192 },
    { segment: 1, first: 0 },
    { segment: 2, first: 0 },
    { segment: 3, first: 0 },
  ]);
  expect(layout.sizes).toEqual([256, 128, 256, 64]);
});

test('parameters in many buffers train as those in one', async () => {
  await onGpu(async (gpu) => {
    const { limits } = gpu.device;
    let most = Infinity;
    const limited = new Proxy(limits, {
      get: (real, name) => {
        const value: unknown = Reflect.get(real, name, real);
        return name === 'maxStorageBufferBindingSize' ? Math.min(Number(value), most) : value;
      },
    });
    Object.defineProperty(gpu.device, 'limits', { value: limited, configurable: true });
    /** Trains with buffers of so many bytes at most for parameters and states. */
    const run = (bytes: number) => {
      most = bytes;
      return withTrainer(gpu, { optimizer: adam({ amsgrad: true }) }, async (trainer) => {
        most = Infinity;
        await trainTo(trainer, 3);
        const { scope, parameters, runs } = trainer.state;
        const states = await readStates(scope, parameters, runs, ['m', 'v', 'v_max']);
        const kept = states.map((blocks) => namedValues(parameters, blocks));
        const values = [await readParameters(gpu, parameters), ...kept];
        return { segments: parameters.segments.length, values };
      });
    };
    const [one, many] = [await run(2 ** 20), await run(1024)];
    expect(one.segments).toBe(1);
    expect(many.segments).toBeGreaterThan(5);
    expect(many.values).toEqual(one.values);
  });
});
