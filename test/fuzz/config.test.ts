// config.json with values that nobody expects: a checkpoint is opened or refused with a typed error,
// before anything is computed or allocated by what a stranger wrote.
import { expect } from 'vitest';
import { TransformerError } from '../../src/runtime/errors.ts';
import { openCheckpoint } from '../../src/model/open-checkpoint.ts';
import { Warnings } from '../../src/model/warnings.ts';
import { readFixture } from '../support/fixture.ts';
import { cases, nasty } from '../support/fuzz.ts';
import type { Random } from '../support/random.ts';
import { memorySource } from '../support/source.ts';

const folders = [
  'bart',
  'bert_base',
  'distilbert_seqcls',
  'gpt2',
  'llama_gqa',
  'llama_rope_llama3',
  'marian',
  'qwen2',
  'roberta_base',
  't5_gated',
  'torch_transformer_pre_gelu',
];
const checkpoints = await Promise.all(
  folders.map(async (folder) => {
    const config = new TextDecoder().decode(await readFixture(`${folder}/config.json`));
    const fields = JSON.parse(config) as Record<string, unknown>;
    return { fields, weights: await readFixture(`${folder}/model.safetensors`) };
  }),
);

/** Settings that some family computes with. */
const costly = [
  'partial_rotary_factor',
  'relative_attention_max_distance',
  'relative_attention_num_buckets',
  'max_position_embeddings',
  'num_hidden_layers',
  'num_layers',
  'head_dim',
  'hidden_size',
  'num_attention_heads',
  'vocab_size',
  'rope_theta',
  'sliding_window',
  'num_labels',
];

function change(random: Random, fields: Record<string, unknown>): void {
  const names = Object.keys(fields);
  const name = random.next() < 0.3 ? random.pick(costly) : random.pick(names);
  const value = fields[name];
  const kinds: (() => unknown)[] = [
    () => (fields[name] = nasty(random)),
    () => (fields[name] = random.pick([1e9, 2 ** 31 - 1, 2 ** 53 - 1, -1, 0])),
    () => delete fields[name],
  ];
  if (typeof value === 'number')
    kinds.push(() => (fields[name] = value * random.pick([-1, 2, 0.5])));
  const scaling = random.pick(['linear', 'dynamic', 'yarn', 'llama3', 'longrope', 'none']);
  const factor = (): unknown => random.pick([2, 0, -1, 1e308, nasty(random)]);
  kinds.push(() => (fields['rope_scaling'] = { rope_type: scaling, factor: factor() }));
  if (Array.isArray(value))
    kinds.push(() => (fields[name] = [...(value as unknown[]), nasty(random)]));
  random.pick(kinds)();
}

cases('settings that nobody expects', 400, async (random) => {
  const { fields, weights } = random.pick(checkpoints);
  const config = structuredClone(fields);
  for (let i = random.integer(1, 3); i > 0; i--) change(random, config);
  const text = new TextEncoder().encode(JSON.stringify(config));
  const source = memorySource({ 'config.json': text, 'model.safetensors': weights });
  const options = { heads: undefined, warnings: new Warnings(), signal: undefined };
  try {
    await openCheckpoint(source, options);
  } catch (error) {
    expect(error).toBeInstanceOf(TransformerError);
    expect((error as TransformerError).code).toMatch(
      /^(CONFIG_INVALID|MODEL_UNSUPPORTED|TENSOR_\w+|LIMIT_EXCEEDED|FILE_INVALID)$/,
    );
  }
});
