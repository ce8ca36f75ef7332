// What a token costs, counted in the recorded lists: dispatches a layer, bytes read, objects made.

import { expect, test, vi } from 'vitest';
import { type Gpu, loadModel, type Source } from 'webgpu-transformer';
import { initialCheckpoint } from 'webgpu-transformer/training';
import { readFixtureJson } from '../support/fixture.ts';
import { bothTiers, sharedGpu } from '../support/gpu.ts';
import { bytesRead, playedLists, type PlayedList, stepOf } from '../support/lists.ts';
import { zeroCheckpoint, type ZeroFormat } from '../support/zero-checkpoint.ts';

type Fields = Record<string, unknown>;

// Families with the fields that count their layers.
const encoders: readonly [string, string][] = [
  ['bert_base', 'num_hidden_layers'],
  ['distilbert_seqcls', 'n_layers'],
  ['roberta_base', 'num_hidden_layers'],
  ['marian', 'encoder_layers'],
  ['bart', 'encoder_layers'],
  ['t5_relu', 'num_layers'],
  ['t5_gated', 'num_layers'],
];
const pairs: readonly [string, string][] = [
  ['marian', 'decoder_layers'],
  ['bart', 'decoder_layers'],
  ['t5_relu', 'num_decoder_layers'],
  ['t5_gated', 'num_decoder_layers'],
];
// Rotary positions take a dispatch of their own, and so do each of Gemma's four norms and two sums.
const decoders: readonly [string, string, number][] = [
  ['gpt2', 'n_layer', 7],
  ['llama_gqa', 'num_hidden_layers', 8],
  ['qwen2', 'num_hidden_layers', 8],
  ['variants/qwen3', 'num_hidden_layers', 8],
  ['variants/mistral_window', 'num_hidden_layers', 8],
  ['variants/gemma2', 'num_hidden_layers', 12],
  ['variants/gemma3_text', 'num_hidden_layers', 12],
];

/** A checkpoint for a fixture's config, with so many layers. */
async function withLayers(folder: string, field: string, layers: number): Promise<Source> {
  const fields = (await readFixtureJson(`${folder}/config.json`)) as Fields;
  const types = fields['layer_types'];
  return initialCheckpoint({
    ...fields,
    [field]: layers,
    ...(Array.isArray(types) && { layer_types: types.slice(0, layers) }),
  });
}

/** What the last of two layers adds to a count. */
async function addedByLayer(
  gpu: Gpu,
  [folder, field]: readonly [string, string, ...unknown[]],
  count: (lists: readonly PlayedList[]) => number,
): Promise<number> {
  const counts = [];
  for (const layers of [1, 2]) {
    using model = await loadModel(await withLayers(folder, field, layers), { gpu });
    const inputs = { inputIds: [[5, 6, 7]] };
    const settings = { maxNewTokens: 4, minNewTokens: 4, numBeams: 1 };
    const isEncoder = /bert/.test(folder);
    counts.push(
      count(
        await playedLists(() =>
          isEncoder ? model.forward(inputs) : model.generate(inputs, settings),
        ),
      ),
    );
  }
  return counts[1]! - counts[0]!;
}

for (const { name, options } of await bothTiers()) {
  const onGpu = sharedGpu(options);

  test.each(encoders)(`an encoder's layer takes 8 dispatches: %s %s, ${name}`, (...family) =>
    onGpu(async (gpu) => {
      const all = ([first]: readonly PlayedList[]): number => first!.recording.dispatches.length;
      expect(await addedByLayer(gpu, family, all)).toBeLessThanOrEqual(8);
    }),
  );

  test.each(pairs)(
    `a decoder's layer that looks at a source takes 11: %s %s, ${name}`,
    (...family) =>
      onGpu(async (gpu) => {
        const step = (lists: readonly PlayedList[]): number => stepOf(lists).length;
        expect(await addedByLayer(gpu, family, step)).toBeLessThanOrEqual(11);
      }),
  );

  test.each(decoders)(`a language model's layer: %s %s at most %i, ${name}`, (...family) =>
    onGpu(async (gpu) => {
      const step = (lists: readonly PlayedList[]): number => stepOf(lists).length;
      expect(await addedByLayer(gpu, family, step)).toBeLessThanOrEqual(family[2]);
    }),
  );
}

/** SmolLM2-135M. */
const [vocabulary, width, inner, keyWidth, layers] = [49152, 576, 1536, 192, 30];

function smolLM(count: number, rows: number, format: ZeroFormat): Source {
  const shapes: Record<string, number[]> = {
    'model.embed_tokens.weight': [rows, width],
    'model.norm.weight': [width],
  };
  for (let layer = 0; layer < count; layer++) {
    const weights = {
      input_layernorm: [width],
      'self_attn.q_proj': [width, width],
      'self_attn.k_proj': [keyWidth, width],
      'self_attn.v_proj': [keyWidth, width],
      'self_attn.o_proj': [width, width],
      post_attention_layernorm: [width],
      'mlp.gate_proj': [inner, width],
      'mlp.up_proj': [inner, width],
      'mlp.down_proj': [width, inner],
    };
    for (const [name, shape] of Object.entries(weights)) {
      shapes[`model.layers.${layer}.${name}.weight`] = shape;
    }
  }
  const config = {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    hidden_act: 'silu',
    hidden_size: width,
    intermediate_size: inner,
    max_position_embeddings: 8192,
    num_attention_heads: 9,
    num_hidden_layers: count,
    num_key_value_heads: 3,
    rms_norm_eps: 1e-5,
    rope_theta: 100000,
    tie_word_embeddings: true,
    vocab_size: rows,
  };
  return zeroCheckpoint(config, shapes, format);
}

/** What weights of layers take, and those of the table, by how they stand in files and are loaded. */
const formats: readonly {
  stored: ZeroFormat;
  dtype?: 'f32' | 'f16' | 'int8' | 'int4';
  bytes: number;
  ofTable?: number;
}[] = [
  { stored: 'F32', bytes: 4 },
  { stored: 'F32', dtype: 'f16', bytes: 2 },
  { stored: 'BF16', bytes: 2 },
  { stored: 'BF16', dtype: 'int8', bytes: 1 + 4 / 64 },
  { stored: 'BF16', dtype: 'int4', bytes: 0.5 + 4 / 32, ofTable: 1 + 4 / 64 },
];

const onOne = sharedGpu();

test.each(formats)(
  'a token of SmolLM2-135M reads little beside its weights and its cache: $stored as $dtype',
  async ({ stored, dtype, bytes, ofTable = bytes }) =>
    onOne(async (gpu) => {
      const keys = 1000;
      const read = async (count: number, rows: number): Promise<number> => {
        using model = await loadModel(smolLM(count, rows, stored), {
          gpu,
          ...(dtype && { dtype }),
        });
        const settings = { maxNewTokens: 3, minNewTokens: 3, eosTokenId: [] };
        const lists = await playedLists(() => model.generate({ inputIds: [[5, 6]] }, settings));
        return bytesRead(stepOf(lists), keys);
      };
      // Each layer reads the same, and each row of the vocabulary, so that not all need to be there.
      const small = await read(1, 64);
      const ofRow = ((await read(1, 128)) - small) / 64;
      const ofLayer = (await read(2, 64)) - small;
      const token = small + (vocabulary - 64) * ofRow + (layers - 1) * ofLayer;

      const matrices = 2 * width * width + 2 * keyWidth * width + 3 * width * inner;
      const weights = ofTable * vocabulary * width + bytes * layers * matrices;
      const cache = layers * keys * 2 * keyWidth * 4;
      expect(token).toBeGreaterThan(weights + cache);
      expect(token).toBeLessThan(1.1 * (weights + cache));
    }),
);

/** Calls that make an object of WebGPU. */
const makers = [
  'createBuffer',
  'createBindGroup',
  'createBindGroupLayout',
  'createPipelineLayout',
  'createShaderModule',
  'createComputePipelineAsync',
  'createCommandEncoder',
] as const;

test('a token makes no objects that grow with the model', () =>
  onOne(async (gpu) => {
    const perToken: number[][] = [];
    for (const count of [1, 3]) {
      using model = await loadModel(await withLayers('llama_gqa', 'num_hidden_layers', count), {
        gpu,
      });
      const made = async (tokens: number): Promise<Record<string, number>> => {
        const settings = { maxNewTokens: tokens, minNewTokens: tokens };
        const spies = makers.map((maker) => vi.spyOn(gpu.device, maker));
        await model.generate({ inputIds: [[5, 6, 7]] }, settings);
        const counts = spies.map((spy, index) => [makers[index], spy.mock.calls.length]);
        for (const spy of spies) spy.mockRestore();
        return Object.fromEntries(counts) as Record<string, number>;
      };
      await made(12);
      const [few, more] = [await made(4), await made(12)];
      perToken.push(makers.map((maker) => (more[maker]! - few[maker]!) / 8));
    }
    const [commands = NaN, ...others] = perToken[0]!.toReversed();
    expect(perToken[1]).toEqual(perToken[0]);
    expect(others.every((count) => count === 0)).toBe(true);
    expect(commands).toBeLessThanOrEqual(1);
  }));
