// Models of texts and images: one stack or both, formats of weights, what is refused, how they are recognized.
import { expect, test } from 'vitest';
import { type DenseTensor, loadModel, type ModelInputs, type Source } from 'webgpu-transformer';
import { callInputs } from '../support/checkpoint.ts';
import { expectClose, readCase } from '../support/expected.ts';
import { readFixtureJson } from '../support/fixture.ts';
import { testGpus, withGpu } from '../support/gpu.ts';
import { expectRejection } from '../support/rejection.ts';
import { fixtureFiles, fixtureSource, memorySource, withFields } from '../support/source.ts';

const [{ options: usual } = { options: {} }] = await testGpus();

const pixels = (...shape: number[]): DenseTensor => ({
  data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.25),
  shape,
});

test.each([
  ['clip', 'f16', 2e-3],
  ['clip', 'int8', 0.05],
  ['variants/siglip', 'f16', 2e-3],
  ['variants/siglip', 'int8', 0.05],
  ['variants/siglip', 'int4', 0.3],
] as const)('%s in %s, tried as it is loaded', (name, dtype, bound) =>
  withGpu(usual, async (gpu) => {
    const expected = await readCase(name);
    using model = await loadModel(fixtureSource(name), { gpu, dtype, check: true });
    expect(model.warnings).toEqual([]);
    const { textEmbeds, imageEmbeds } = await model.forward(callInputs(expected, 'main'));
    const wanted = (output: string) => expected.values.get(`main/${output}`)!;
    expectClose(textEmbeds, wanted('text_embeds'), 'texts', undefined, bound);
    expectClose(imageEmbeds, wanted('image_embeds'), 'images', undefined, bound);
  }),
);

test.each(['clip', 'variants/siglip'])('%s: one of both alone, and more of one', (name) =>
  withGpu(usual, async (gpu) => {
    const { inputIds, attentionMask, pixelValues } = callInputs(await readCase(name), 'main');
    const texts: ModelInputs = { inputIds: inputIds!, ...(attentionMask && { attentionMask }) };
    using model = await loadModel(fixtureSource(name), { gpu });
    const both = await model.forward({ ...texts, pixelValues: pixelValues! });
    const read = await model.forward(texts, { hiddenStates: true });
    expect(read.textEmbeds).toEqual(both.textEmbeds);
    expect(read.textHiddenStates).toHaveLength(3);
    expect(Object.keys(read).join()).not.toMatch(/image|vision|logits/i);
    const seen = await model.forward({ pixelValues: pixelValues! }, { attentions: true });
    expect(seen.imageEmbeds).toEqual(both.imageEmbeds);
    expect(seen.visionAttentions).toHaveLength(2);
    expect(Object.keys(seen).join()).not.toMatch(/text|logits/i);
    const one = await model.forward({
      ...texts,
      pixelValues: pixels(1, 3, ...sideOf(pixelValues!)),
    });
    expect(one.logitsPerImage?.shape).toEqual([1, 3]);
    expect(one.logitsPerText?.shape).toEqual([3, 1]);
    expect(one.logitsPerText?.data).toEqual(one.logitsPerImage?.data);
    expect(one.textEmbeds).toEqual(both.textEmbeds);
    const again = await model.forward({
      textEmbeds: both.textEmbeds!,
      pixelValues: pixelValues!,
    });
    expect(again.logitsPerText).toEqual(both.logitsPerText);
    expect(again.imageEmbeds).toEqual(both.imageEmbeds);
  }),
);

function sideOf({ shape }: DenseTensor): [number, number] {
  return [shape[2] ?? 0, shape[3] ?? 0];
}

test('what they cannot take is refused', () =>
  withGpu(usual, async (gpu) => {
    using model = await loadModel(fixtureSource('clip'), { gpu });
    const refused = (inputs: object, ...parts: string[]): Promise<void> =>
      expectRejection(model.forward(inputs), 'INPUT_INVALID', ...parts);
    const images = { pixelValues: pixels(2, 3, 24, 24) };
    await refused({}, 'inputIds', 'pixelValues');
    await refused({ labels: [1] }, 'takes no input "labels"', 'returnLoss');
    await refused({ ...images, attentionMask: [[1]] }, 'inputIds is missing');
    await refused({ inputIds: [[1]], interpolatePosEncoding: true }, 'pixelValues is missing');
    await refused({ ...images, returnLoss: true }, 'returnLoss', 'inputIds');
    await refused({ ...images, inputIds: [[1]], returnLoss: true }, '1 rows', 'has 2');
    await refused({ ...images, inputIds: [[1]], returnLoss: 1 }, 'returnLoss is 1');
    const textEmbeds = { data: new Float32Array(6), shape: [2, 3] };
    await refused({ textEmbeds }, 'pixelValues');
    await refused({ ...images, textEmbeds, inputIds: [[1]] }, 'no inputIds');
    await refused({ ...images, textEmbeds }, 'vectors of 3 numbers', 'this model has');
    await refused({ ...images, textEmbeds: [[1]] }, 'textEmbeds', 'Float32Array');
    await refused({ ...images, textEmbeds, returnLoss: true }, 'returnLoss', 'inputIds');
    await refused({ inputIds: [Array<number>(13).fill(1)] }, '13 tokens', '12 positions');
    await expectRejection(model.generate({}), 'MODEL_UNSUPPORTED', 'does not generate');
  }));

/** A checkpoint with other fields in its config.json. */
async function configured(name: string, fields: Record<string, unknown>): Promise<Source> {
  const files = await fixtureFiles(name, ['config.json', 'model.safetensors']);
  return memorySource({ ...files, 'config.json': withFields(files['config.json'], fields) });
}

test.each([
  ['clip', 'CLIPModel'],
  ['variants/clip_imgcls', 'CLIPForImageClassification'],
  ['variants/clip_text', 'CLIPTextModel'],
  ['variants/clip_text_projection', 'CLIPTextModelWithProjection'],
  ['variants/clip_vision_projection', 'CLIPVisionModelWithProjection'],
  ['variants/siglip', 'SiglipModel'],
  ['variants/siglip_vision', 'SiglipVisionModel'],
])('%s without a class is a %s', (name, taken) =>
  withGpu(usual, async (gpu) => {
    const source = await configured(name, { architectures: undefined });
    using model = await loadModel(source, { gpu });
    expect(model.config['architectures']).toEqual([taken]);
  }),
);

test('settings of old files, of which one section is put over the other', () =>
  withGpu(usual, async (gpu) => {
    const { text_config: own } = (await readFixtureJson('clip/config.json')) as {
      text_config: object;
    };
    const source = await configured('clip', {
      text_config_dict: own,
      vision_config_dict: null,
      text_config: { hidden_size: 7, eos_token_id: 2 },
    });
    using model = await loadModel(source, { gpu });
    const expected = await readCase('clip');
    const { textEmbeds } = await model.forward(callInputs(expected, 'main'));
    expectClose(textEmbeds, expected.values.get('main/text_embeds')!, 'texts');
  }));

test.each([
  { name: 'clip', section: 'text_config', fields: { hidden_act: 'mish' }, told: 'hidden_act' },
  { name: 'clip', section: 'vision_config', fields: { pruned_heads: { 1: [0] } }, told: 'heads' },
  {
    name: 'variants/siglip',
    section: 'vision_config',
    fields: { vision_use_head: false },
    told: 'vision_use_head',
  },
])('$name with $fields in its $section is refused', ({ name, section, fields, told }) =>
  withGpu(usual, async (gpu) => {
    const own = (await readFixtureJson(`${name}/config.json`)) as Record<string, object>;
    const source = await configured(name, { [section]: { ...own[section], ...fields } });
    await expectRejection(loadModel(source, { gpu }), 'MODEL_UNSUPPORTED', `"${section}"`, told);
  }),
);

test.each([
  ['clip', 'CLIPForMaskedLM'],
  ['variants/clip_text', 'CLIPTextForMaskedLM'],
  ['variants/clip_vision', 'CLIPVisionForMaskedLM'],
  ['variants/siglip', 'SiglipForMaskedLM'],
])('%s as a %s is refused', (name, architecture) =>
  withGpu(usual, async (gpu) => {
    const source = await configured(name, { architectures: [architecture] });
    await expectRejection(loadModel(source, { gpu }), 'MODEL_UNSUPPORTED', architecture);
  }),
);
