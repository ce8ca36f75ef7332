// Adapters without targets: of every family that trains they are for what makes queries and values.
import { expect, test } from 'vitest';
import { loadModel } from 'webgpu-transformer';
import { Lora } from 'webgpu-transformer/training';
import { sharedGpu } from '../../support/gpu.ts';
import { labelledCases } from '../../support/labelled-cases.ts';
import { fixtureSource } from '../../support/source.ts';

const onGpu = sharedGpu();

const usual = ['q_proj', 'v_proj'];
const bert = ['query', 'value'];
const fused = ['Wqkv'];

/** The last parts of names, of families that have others. */
const others: Readonly<Record<string, readonly string[]>> = {
  albert: bert,
  bert,
  blip: ['qkv', ...bert],
  bloom: ['query_key_value'],
  deberta: ['in_proj'],
  'deberta-v2': ['query_proj', 'value_proj'],
  distilbert: ['q_lin', 'v_lin'],
  electra: bert,
  gpt2: ['c_attn'],
  gpt_neox: ['query_key_value'],
  imagegpt: ['c_attn'],
  modernbert: fused,
  mpnet: ['q', 'v'],
  mt5: ['q', 'v'],
  phi3: ['qkv_proj'],
  qwen3_5_text: ['in_proj_qkv', ...usual],
  roberta: bert,
  t5: ['q', 'v'],
  umt5: ['q', 'v'],
  'vision-encoder-decoder': ['q_proj', 'query', 'v_proj', 'value'],
  yolos: bert,
};

test.each(Object.entries(labelledCases))('a %s', (family, [name]) =>
  onGpu(async (gpu) => {
    using model = await loadModel(fixtureSource(name), { gpu });
    using lora = new Lora(model);
    const ends = new Set(lora.targets.map((target) => target.split('.').at(-1) ?? ''));
    expect([...ends].toSorted()).toEqual(others[family] ?? usual);
    // In each of its numbered layers, but those that convolve.
    const layers = (names: readonly string[]): string[] => [
      ...new Set(names.flatMap((target) => /^.*?\.\d+\./.exec(target)?.[0] ?? [])),
    ];
    const all = layers(model.trainable().slices.map(({ name: tensor }) => tensor));
    const convolve = /conv|\.heads?\.|feature_extractor|bbox_predictor|class_labels_classifier/;
    const attend = all.filter((layer) => {
      const own = model.trainable().slices.filter((slice) => slice.name.startsWith(layer));
      return !convolve.test(layer) && own.some((slice) => /att|mixer/i.test(slice.name));
    });
    expect(layers(lora.targets).length).toBe(attend.length);
  }),
);
