// Models with adapters beside their weights: what they compute is what a merged model computes, several at once,
// over any format, and the model itself goes on as it was.
import { expect, test } from 'vitest';
import { loadModel, type Model, type ModelInputs } from 'webgpu-transformer';
import { loadLora, Lora, Trainer, withAdapters } from 'webgpu-transformer/training';
import { callInputs, expectCall } from '../../support/checkpoint.ts';
import { expectClose, readCase } from '../../support/expected.ts';
import { readFixture } from '../../support/fixture.ts';
import { bothTiers, sharedGpu } from '../../support/gpu.ts';
import { fill } from '../../support/lora.ts';
import { expectRejection } from '../../support/rejection.ts';
import { fixtureSource, memorySource, readValues, withFields } from '../../support/source.ts';

const gpus = (await bothTiers()).map(({ name, options }) => ({ name, onGpu: sharedGpu(options) }));
const [{ onGpu } = { onGpu: sharedGpu() }] = gpus;

async function tokensOf(model: Model, inputs: ModelInputs): Promise<number[]> {
  const tokens: number[] = [];
  for await (const { tokenIds } of model.stream(inputs, { maxNewTokens: 5, numBeams: 1 })) {
    tokens.push(...tokenIds);
  }
  return tokens;
}

for (const { name: device, onGpu: onThis } of gpus) {
  test.each([
    ['marian', 'labels', ['*.q_proj', '*.fc1']],
    ['llama_gqa', 'nomask', ['*.q_proj', '*.v_proj', '*.up_proj', 'lm_head']],
    ['bert_tokcls', 'main', ['*.query', '*.intermediate.dense', 'classifier']],
    ['clip', 'main', ['*.q_proj', '*.fc2']],
  ])(
    `%s computes with an adapter what it does with it merged, ${device}`,
    async (name, call, targets) => {
      const inputs = callInputs(await readCase(name), call);
      await onThis(async (gpu) => {
        using model = await loadModel(fixtureSource(name), { gpu });
        using lora = new Lora(model, { rank: 3, alpha: 5, targets, rsLora: true, dropout: 0.3 });
        await fill(gpu, lora, 5);
        const plain = await model.forward(inputs);
        using tuned = withAdapters(model, lora);
        const got = await tuned.forward(inputs);
        expect((await model.forward(inputs)).logits).toEqual(plain.logits);
        const generates = name === 'marian' || name === 'llama_gqa';
        const { labels: _, ...prompt } = inputs;
        const asked = { maxNewTokens: 5, numBeams: 2 };
        const found = generates ? await tuned.generate(prompt, asked) : undefined;
        const streamed = generates ? await tokensOf(tuned, prompt) : [];
        await lora.merge();
        const merged = await model.forward(inputs);
        for (const output of ['logits', 'logitsPerText'] as const) {
          if (merged[output] === undefined) continue;
          expect(got[output]!.data).not.toEqual(plain[output]!.data);
          expectClose(got[output], merged[output], output);
        }
        if (found === undefined) return;
        expect(found.sequences).toEqual((await model.generate(prompt, asked)).sequences);
        expect(streamed).toEqual(await tokensOf(model, prompt));
      });
    },
  );
}

test('PEFT: a rank and a scale of their own for some layers, and rsLoRA', async () => {
  const given = await readCase('llama_gqa');
  const values = readValues(await readFixture('llama_rslora/expected.safetensors'));
  await onGpu(async (gpu) => {
    using model = await loadModel(fixtureSource('llama_gqa'), { gpu });
    using lora = await loadLora(model, fixtureSource('llama_rslora'));
    const files = await lora.files();
    const text = new TextDecoder().decode(files.find(({ name }) => name.endsWith('.json'))!.bytes);
    expect(JSON.parse(text)).toMatchObject({
      r: 4,
      lora_alpha: 6,
      lora_dropout: 0.1,
      use_rslora: true,
      rank_pattern: {
        'model.layers.0.self_attn.q_proj': 2,
        'model.layers.0.mlp.down_proj': 3,
        'model.layers.1.mlp.down_proj': 3,
      },
      alpha_pattern: { 'model.layers.0.self_attn.v_proj': 3, 'model.layers.1.self_attn.v_proj': 3 },
    });
    const wanted = { ...given, values };
    using tuned = withAdapters(model, lora);
    expectCall(await tuned.forward(callInputs(given, 'nomask')), 'nomask', wanted);
    await lora.merge();
    expectCall(await model.forward(callInputs(given, 'nomask')), 'nomask', wanted);
  });
});

test('several adapters count as often as they are told to', async () => {
  const inputs = callInputs(await readCase('llama_gqa'), 'nomask');
  await onGpu(async (gpu) => {
    using model = await loadModel(fixtureSource('llama_gqa'), { gpu });
    using first = new Lora(model, { rank: 2, targets: ['*.q_proj', '*.up_proj'] });
    using second = new Lora(model, { rank: 3, targets: ['*.q_proj', '*.o_proj'] });
    using half = new Lora(model, { rank: 2, alpha: 1, targets: ['*.q_proj', '*.up_proj'] });
    await fill(gpu, first, 7);
    await fill(gpu, half, 7);
    await fill(gpu, second, 8);
    using mixed = withAdapters(model, [{ adapter: first, weight: 0.5 }, second]);
    const got = await mixed.forward(inputs);
    // One of half the scale, once, in the weights, and the other beside them.
    await half.merge();
    using other = withAdapters(model, second);
    expectClose(got.logits, (await other.forward(inputs)).logits!, 'mixed');
    await half.unmerge();
    using none = withAdapters(model, [{ adapter: first, weight: 0 }]);
    expectClose((await none.forward(inputs)).logits, (await model.forward(inputs)).logits!, 'none');
  });
});

test('over int4, too, where nothing can be merged; a view sees how its adapter trains', () =>
  onGpu(async (gpu) => {
    const batch = { inputIds: [[5, 7, 9, 11, 13]], labels: [[5, 7, 9, 11, 13]] };
    using model = await loadModel(fixtureSource('gpt2'), { gpu, dtype: 'int4' });
    using lora = new Lora(model, { rank: 4, targets: ['*.c_attn', '*.c_proj'], dropout: 0.2 });
    using tuned = withAdapters(model, lora);
    using trainer = new Trainer(model, { learningRate: 0.02, adapter: lora });
    const losses: number[] = [];
    for await (const { loss } of trainer.steps(() => batch, { maxSteps: 6 })) {
      expect(loss).toBeGreaterThan(0);
      losses.push((await tuned.forward(batch)).loss!.data[0]!);
    }
    expect(losses.at(-1)!).toBeLessThan(0.7 * losses[0]!);
    const { loss } = await trainer.evaluate([batch]);
    expect(losses.at(-1)!).toBeCloseTo(loss, 4);
    await expectRejection(lora.merge(), 'MODEL_UNSUPPORTED', 'Use the adapter as it is');
  }));

test('dropout drops in training alone, by the seed', () =>
  onGpu(async (gpu) => {
    const batch = { inputIds: [[5, 7, 9, 11, 13]], labels: [[5, 7, 9, 11, 13]] };
    using model = await loadModel(fixtureSource('gpt2'), { gpu });
    const lossesOf = async (
      dropout: number,
      settings: { seed?: number; dropout?: boolean } = {},
    ) => {
      using lora = new Lora(model, { rank: 4, targets: ['*.c_attn', '*.c_proj'], dropout });
      await fill(gpu, lora, 3);
      using trainer = new Trainer(model, { learningRate: 0.01, adapter: lora, ...settings });
      const losses: number[] = [];
      for await (const { loss } of trainer.steps(() => batch, { maxSteps: 3 })) losses.push(loss);
      return losses;
    };
    const plain = await lossesOf(0);
    expect(await lossesOf(0.5, { dropout: false })).toEqual(plain);
    const dropped = await lossesOf(0.5, { seed: 1 });
    expect(dropped[0]).not.toBe(plain[0]);
    expect(await lossesOf(0.5, { seed: 1 })).toEqual(dropped);
    expect((await lossesOf(0.5, { seed: 2 }))[0]).not.toBe(dropped[0]);
  }));

test('what cannot be is said', () =>
  onGpu(async (gpu) => {
    using model = await loadModel(fixtureSource('llama_gqa'), { gpu });
    using other = await loadModel(fixtureSource('llama_gqa'), { gpu });
    const lora = new Lora(model, { rank: 2 });
    const inputs = { inputIds: [[5, 7, 9]] };
    await expectRejection(() => withAdapters(other, lora), 'INPUT_INVALID', 'another model');
    await expectRejection(() => withAdapters(model, []), 'OPTION_INVALID', 'at least one Lora');
    await expectRejection(
      () => withAdapters(model, [{ adapter: lora, weight: Infinity }]),
      'OPTION_INVALID',
      'weight',
    );
    for (const wrong of [
      { rankPattern: { '*.q_proj': 0 } },
      { alphaPattern: { '*.q_proj': -1 } },
    ]) {
      await expectRejection(() => new Lora(model, wrong), 'OPTION_INVALID', '*.q_proj', 'Pattern');
    }
    using tuned = withAdapters(model, lora);
    await expectRejection(() => tuned.trainable(), 'INPUT_INVALID', 'view');
    // A merge waits for calls under way.
    const stream = tuned.stream(inputs, { maxNewTokens: 4 });
    await stream.next();
    await expectRejection(lora.merge(), 'INPUT_INVALID', 'in use');
    await stream.return(undefined);
    await lora.merge();
    await expectRejection(tuned.forward(inputs), 'INPUT_INVALID', 'merged');
    await lora.unmerge();
    await tuned.forward(inputs);
    lora.dispose();
    await expectRejection(tuned.forward(inputs), 'DISPOSED');
  }));

test.each(['rank_pattern', 'alpha_pattern'])('%s of a file is read, or refused', (field) =>
  onGpu(async (gpu) => {
    using model = await loadModel(fixtureSource('llama_gqa'), { gpu });
    const files = {
      'adapter_config.json': await readFixture('llama_rslora/adapter_config.json'),
      'adapter_model.safetensors': await readFixture('llama_rslora/adapter_model.safetensors'),
    };
    const load = (value: unknown): Promise<Lora> => {
      const config = withFields(files['adapter_config.json'], { [field]: value });
      return loadLora(model, memorySource({ ...files, 'adapter_config.json': config }));
    };
    await expectRejection(
      load({ 'q_proj|v_proj': 2 }),
      'MODEL_UNSUPPORTED',
      field,
      'q_proj|v_proj',
    );
    await expectRejection(load({ q_proj: 0 }), 'CONFIG_INVALID', field);
    await expectRejection(load([2]), 'CONFIG_INVALID', field);
    if (field === 'rank_pattern') await expectRejection(load({}), 'TENSOR_MISMATCH', 'rank 4');
  }),
);
