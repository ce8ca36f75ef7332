// Weights that go by several names: the file decides which are one. Values are those of transformers 5.24
// for the same files (`from_pretrained`), whose tensors are those of test/support/waves.ts.
import { expect, test } from 'vitest';
import { type Gpu, loadModel, type ModelInputs } from 'webgpu-transformer';
import { Trainer } from 'webgpu-transformer/training';
import { readValues, memorySource, type Values } from '../support/source.ts';
import type { JsonObject } from '../../src/source/json.ts';
import { sharedGpu } from '../support/gpu.ts';
import { expectRejection } from '../support/rejection.ts';
import { MemoryTarget, trainTo } from '../support/training.ts';
import { checkpoint, wave, waves } from '../support/waves.ts';

const onGpu = sharedGpu();
const sizes = {
  vocab_size: 12,
  hidden_size: 8,
  intermediate_size: 12,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  max_position_embeddings: 16,
};
const inputIds = [[3, 7, 1, 9]];

interface Family {
  readonly config: JsonObject;
  readonly inputs: ModelInputs;
  /** All names of the weight, the first that a file should have. */
  readonly names: readonly string[];
  readonly shape: readonly number[];
  /** The first logits of the last token where all names are stored, with unlike values. */
  readonly unlike: readonly number[];
}

const stacks = ['model.decoder.embed_tokens.weight', 'model.encoder.embed_tokens.weight'];
const families: Readonly<Record<string, Family>> = {
  llama: {
    config: {
      ...sizes,
      model_type: 'llama',
      architectures: ['LlamaForCausalLM'],
      num_key_value_heads: 1,
      tie_word_embeddings: true,
    },
    inputs: { inputIds },
    names: ['model.embed_tokens.weight', 'lm_head.weight'],
    shape: [12, 8],
    unlike: [-0.0013442817, -0.0065227444, -0.0087733557, -0.0070858947],
  },
  roberta: {
    config: {
      ...sizes,
      model_type: 'roberta',
      architectures: ['RobertaForMaskedLM'],
      max_position_embeddings: 18,
      type_vocab_size: 1,
      pad_token_id: 1,
    },
    inputs: { inputIds: [[5, 9, 3, 11]] },
    names: ['roberta.embeddings.word_embeddings.weight', 'lm_head.decoder.weight'],
    shape: [12, 8],
    unlike: [-0.1871712953, -0.3055513203, -0.2860298455, -0.1430512071],
  },
  marian: {
    config: {
      model_type: 'marian',
      architectures: ['MarianMTModel'],
      vocab_size: 12,
      d_model: 8,
      encoder_layers: 1,
      decoder_layers: 1,
      encoder_attention_heads: 2,
      decoder_attention_heads: 2,
      encoder_ffn_dim: 12,
      decoder_ffn_dim: 12,
      max_position_embeddings: 16,
      decoder_start_token_id: 11,
      pad_token_id: 11,
    },
    inputs: { inputIds, decoderInputIds: [[11, 4, 5]] },
    names: ['model.shared.weight', 'lm_head.weight', ...stacks],
    shape: [12, 8],
    unlike: [-0.5999901295, -0.6100360751, -0.3462561965, 0.0729470775],
  },
  t5: {
    config: {
      model_type: 't5',
      architectures: ['T5ForConditionalGeneration'],
      vocab_size: 12,
      d_model: 8,
      d_kv: 4,
      d_ff: 12,
      num_layers: 1,
      num_heads: 2,
    },
    inputs: { inputIds, decoderInputIds: [[0, 4, 5]] },
    names: [
      'shared.weight',
      'encoder.embed_tokens.weight',
      'decoder.embed_tokens.weight',
      'lm_head.weight',
    ],
    shape: [12, 8],
    unlike: [-0.0038381226, -0.0225467365, -0.0311348364, -0.0257475022],
  },
};
/** A bias is another weight with two names. */
const bias: Family = {
  ...families['roberta']!,
  names: ['lm_head.bias', 'lm_head.decoder.bias'],
  shape: [12],
};

/** The family's tensors, of the tied ones those that are given. */
async function files(
  family: Family,
  tied: Readonly<Record<string, Values>>,
  fields: JsonObject = {},
) {
  const tensors = await waves(family.config);
  tensors.delete('final_logits_bias');
  for (const name of family.names) tensors.delete(name);
  for (const [name, values] of Object.entries(tied)) tensors.set(name, values);
  return checkpoint({ ...family.config, ...fields }, tensors);
}

async function logitsOf(
  gpu: Gpu,
  { inputs }: Family,
  loaded: Awaited<ReturnType<typeof files>>,
): Promise<Float32Array> {
  using model = await loadModel(memorySource(loaded), { gpu });
  return (await model.forward(inputs)).logits!.data;
}

/** Each name with values of its own. */
const unlike = ({ names, shape }: Family) =>
  Object.fromEntries(names.map((name) => [name, wave(name, shape)]));

test.each([...Object.entries(families), ['a bias', bias] as const])(
  '%s: any name stands for all, and equal values for one',
  (_, family) =>
    onGpu(async (gpu) => {
      const { names, shape } = family;
      const [first = ''] = names;
      const values = wave(first, shape);
      const usual = await logitsOf(gpu, family, await files(family, { [first]: values }));
      for (const name of names.slice(1)) {
        const own = await files(family, { [name]: values });
        expect(await logitsOf(gpu, family, own), `as ${name}`).toEqual(usual);
      }
      const all = await files(family, Object.fromEntries(names.map((name) => [name, values])));
      expect(await logitsOf(gpu, family, all)).toEqual(usual);
      const none = loadModel(memorySource(await files(family, {})), { gpu });
      await expectRejection(none, 'TENSOR_MISSING', ...names.map((name) => `"${name}"`));
    }),
);

test.each(Object.entries(families))('%s: unlike values are weights of their own', (_, family) =>
  onGpu(async (gpu) => {
    const tied = { ...unlike(family), ...(family === families['roberta'] && unlike(bias)) };
    const logits = await logitsOf(gpu, family, await files(family, tied));
    const last = logits.subarray(logits.length - 12);
    family.unlike.forEach((value, i) => expect(last[i]).toBeCloseTo(value, 5));
  }),
);

test('a base model has names without the prefix of the whole', () =>
  onGpu(async (gpu) => {
    const family = families['marian']!;
    const [name = ''] = family.names;
    const whole = await files(family, { [name]: wave(name, [12, 8]) });
    const tensors = [...readValues(whole['model.safetensors']!)].map(
      ([key, values]) => [key.replace(/^model\./, ''), values] as const,
    );
    const base = checkpoint({ ...family.config, architectures: ['MarianModel'] }, new Map(tensors));
    expect(await logitsOf(gpu, family, base)).toEqual(await logitsOf(gpu, family, whole));
  }));

test('what differs in one value only, far behind the start, is not tied', () =>
  onGpu(async (gpu) => {
    const family = {
      ...families['llama']!,
      config: { ...families['llama']!.config, vocab_size: 4000 },
      shape: [4000, 8],
    };
    const values = wave('x', family.shape);
    const changed = { shape: values.shape, data: values.data.slice() };
    changed.data[31999] = 5;
    const [embedding = '', head = ''] = family.names;
    const same = await logitsOf(gpu, family, await files(family, { [embedding]: values }));
    const both = await files(family, { [embedding]: values, [head]: changed });
    const logits = await logitsOf(gpu, family, both);
    const differs = [...logits.keys()].filter((i) => logits[i] !== same[i]);
    expect(differs).toEqual([3999, 7999, 11999, 15999]);
  }));

test('config.json that says "not tied" wants both', () =>
  onGpu(async (gpu) => {
    const family = families['llama']!;
    const [first = ''] = family.names;
    const untied = await files(
      family,
      { [first]: wave(first, [12, 8]) },
      { tie_word_embeddings: false },
    );
    await expectRejection(loadModel(memorySource(untied), { gpu }), 'TENSOR_MISSING', 'lm_head');
  }));

test('trained and saved, weights are tied as they were, under the name that all readers look for', () =>
  onGpu(async (gpu) => {
    const family = families['marian']!;
    const [embedding = '', head = ''] = family.names;
    const labels = [[4, 5, 0]];
    const cases = [
      [{ [head]: wave(head, [12, 8]) }, [embedding]],
      // Each use has a table of its own then, and none is left for the common name.
      [unlike(family), family.names.slice(1)],
    ] as const;
    for (const [stored, saved] of cases) {
      const source = memorySource(await files(family, stored));
      using model = await loadModel(source, { gpu, training: true });
      const trainer = new Trainer(model, { learningRate: 0.01 });
      await trainTo(trainer, 1, () => ({ inputIds, labels }));
      const target = new MemoryTarget();
      await trainer.saveModel(target);
      const tensors = readValues(target.files['model.safetensors']!);
      expect(family.names.filter((name) => tensors.has(name))).toEqual(saved);
      using again = await loadModel(target.source, { gpu });
      const [before, after] = [
        await model.forward(family.inputs),
        await again.forward(family.inputs),
      ];
      expect(after.logits).toEqual(before.logits);
      trainer.dispose();
    }
  }));
