// Models on a device whose buffers are too small for their embeddings: the same results as on others.
import { expect, test } from 'vitest';
import { type GenerateOptions, type Gpu, loadModel, type LoadOptions } from 'webgpu-transformer';
import { initialCheckpoint, Lora, pruneWeights, sgd, Trainer } from 'webgpu-transformer/training';
import type { ModelInputs } from '../../src/model/model.ts';
import { readParameters } from '../../src/model/weights/read-parameters.ts';
import { partsOf } from '../../src/runtime/parts.ts';
import { expectClose } from '../support/expected.ts';
import { readValues } from '../support/source.ts';
import { bothTiers, limitBuffers, withGpu } from '../support/gpu.ts';
import { bitsOf, fill } from '../support/lora.ts';
import { expectRejection } from '../support/rejection.ts';
import { MemoryTarget, tinyConfig } from '../support/training.ts';

const words = 300;
const llama = {
  model_type: 'llama',
  architectures: ['LlamaForCausalLM'],
  hidden_size: 64,
  intermediate_size: 48,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  max_position_embeddings: 128,
  vocab_size: words,
  rms_norm_eps: 1e-6,
  tie_word_embeddings: true,
  bos_token_id: 0,
  eos_token_id: 1,
};
const marian = {
  ...tinyConfig,
  vocab_size: words,
  d_model: 64,
  max_position_embeddings: 32,
  dropout: 0,
  attention_dropout: 0,
  activation_dropout: 0,
};

/** Its projections are stored as (in, out), and the first one of its layer is beyond the limit too. */
const gpt2 = {
  model_type: 'gpt2',
  architectures: ['GPT2LMHeadModel'],
  n_embd: 64,
  n_inner: 128,
  n_layer: 1,
  n_head: 2,
  n_positions: 32,
  vocab_size: words,
  embd_pdrop: 0,
  attn_pdrop: 0,
  resid_pdrop: 0,
};

const sources = {
  gpt2: initialCheckpoint(gpt2, { seed: 6 }),
  llama: initialCheckpoint(llama, { seed: 3 }),
  'llama, untied': initialCheckpoint(
    { ...llama, intermediate_size: 96, num_key_value_heads: 2, tie_word_embeddings: false },
    { seed: 4 },
  ),
  marian: initialCheckpoint(marian, { seed: 5 }),
};
const prompt = [[7, 299, 128, 127, 5]];
const inputs: Record<keyof typeof sources, ModelInputs> = {
  gpt2: { inputIds: prompt },
  llama: { inputIds: prompt },
  'llama, untied': { inputIds: prompt },
  marian: { inputIds: prompt, labels: [[255, 256, 9, 1]] },
};
const ways: GenerateOptions[] = [
  { doSample: false },
  { doSample: true, temperature: 2, topK: 50, seed: 11 },
  { numBeams: 3, numReturnSequences: 3 },
];

/** What a model says, with tensors of so many bytes at most. */
async function resultsOf(
  gpu: Gpu,
  name: keyof typeof sources,
  limit: number,
  options: LoadOptions,
) {
  limitBuffers(gpu, limit);
  using model = await loadModel(sources[name], { gpu, ...options });
  const output = await model.forward(inputs[name]);
  const { labels: _labels, ...prompts } = inputs[name];
  const generated = [];
  for (const way of ways)
    generated.push(await model.generate(prompts, { maxNewTokens: 6, ...way }));
  return { output, generated };
}

for (const { name: device, options } of await bothTiers()) {
  test(`a vocabulary beyond one buffer, ${device}`, () =>
    withGpu(options, async (gpu) => {
      for (const [name, dtype] of [
        ['llama', 'f16'],
        ['llama, untied', 'f32'],
        ['marian', 'f32'],
      ] as const) {
        const limit = dtype === 'f16' ? 28 * 1024 : 40 * 1024;
        const whole = await resultsOf(gpu, name, Infinity, { dtype });
        const split = await resultsOf(gpu, name, limit, { dtype });
        expect(split).toEqual(whole);
      }
    }));

  test(`training with a vocabulary beyond one buffer, ${device}`, () =>
    withGpu(options, async (gpu) => {
      for (const name of ['gpt2', 'marian'] as const) {
        const labels = inputs[name].labels ?? prompt;
        /** Two steps of training, and what is then saved. */
        const run = async (limit: number) => {
          limitBuffers(gpu, limit);
          using model = await loadModel(sources[name], { gpu, training: true });
          const { embeddings } = model.trainable();
          const parts = embeddings.map((table) => partsOf(table).length);
          const trainer = new Trainer(model, {
            optimizer: sgd({ momentum: 0.5, weightDecay: 0.1 }),
            learningRate: 0.1,
            maxGradNorm: 1,
            seed: 1,
          });
          const target = new MemoryTarget();
          try {
            const losses = [];
            const batches = () => ({ ...inputs[name], labels });
            for await (const { loss, gradNorm } of trainer.steps(batches, { maxSteps: 2 })) {
              losses.push(loss, gradNorm);
            }
            await trainer.saveModel(target);
            return { parts, losses, values: readValues(target.files['model.safetensors']!) };
          } finally {
            trainer.dispose();
          }
        };
        const [whole, split] = [await run(Infinity), await run(40 * 1024)];
        expect(Math.max(...whole.parts)).toBe(1);
        expect(Math.min(...split.parts)).toBe(3);
        const flat = (data: readonly number[]) => ({
          data: Float32Array.from(data),
          shape: [data.length],
        });
        expectClose(flat(split.losses), flat(whole.losses), `${name}: losses and norms`);
        expect([...split.values.keys()]).toEqual([...whole.values.keys()]);
        for (const [key, values] of whole.values) {
          // A bias of keys adds the same to all scores of a query: its gradient is 0 but for rounding.
          if (!key.endsWith('k_proj.bias')) expectClose(split.values.get(key), values, key);
        }
      }
    }));
}

test('adapters and pruning find all parts of a weight', () =>
  withGpu({}, async (gpu) => {
    const adapt = async (limit: number) => {
      limitBuffers(gpu, limit);
      using model = await loadModel(sources['llama, untied'], { gpu, dtype: 'f16' });
      using lora = new Lora(model, { rank: 2, targets: 'lm_head' });
      await fill(gpu, lora, 12);
      const before = await bitsOf(gpu, model);
      await lora.merge();
      const merged = await model.forward({ inputIds: prompt });
      await lora.unmerge();
      expect(await bitsOf(gpu, model)).toEqual(before);
      return { before, merged };
    };
    expect(await adapt(28 * 1024)).toEqual(await adapt(Infinity));
    const thin = async (limit: number) => {
      limitBuffers(gpu, limit);
      using model = await loadModel(sources.gpt2, { gpu, training: true });
      const { tensors } = await pruneWeights(model, { sparsity: 0.3, scope: 'global' });
      const left = await readParameters(gpu, model.trainable().parameters!);
      return { tensors, left };
    };
    expect(await thin(40 * 1024)).toEqual(await thin(Infinity));
  }));

test('a weight that no parts make small enough is named, with what helps', () =>
  withGpu({}, async (gpu) => {
    limitBuffers(gpu, 8192);
    const load = (options: LoadOptions) => loadModel(sources.llama, { gpu, ...options });
    const size = 'v_proj.weight needs 32768 bytes in one buffer; this device allows 8192';
    await expectRejection(load({}), 'LIMIT_EXCEEDED', size, "dtype: 'f16'");
    await expectRejection(load({ training: true }), 'LIMIT_EXCEEDED', size, 'Lora');
  }));
