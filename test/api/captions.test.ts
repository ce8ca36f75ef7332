// BLIP: formats of weights, what it generates of calls together and piece by piece, what is refused.
import { expect, test } from 'vitest';
import { loadModel, type Model, type ModelInputs } from 'webgpu-transformer';
import { callInputs } from '../support/checkpoint.ts';
import { expectClose, generateOptions, inCamelCase, readCase } from '../support/expected.ts';
import { testGpus, withGpu } from '../support/gpu.ts';
import { expectRejection } from '../support/rejection.ts';
import { fixtureFiles, fixtureSource, memorySource, withFields } from '../support/source.ts';

const [{ options: usual } = { options: {} }] = await testGpus();
const name = 'variants/blip';

test.each([
  ['f16', 5e-3],
  ['int8', 0.05],
] as const)('in %s, tried as it is loaded', (dtype, bound) =>
  withGpu(usual, async (gpu) => {
    const expected = await readCase(name);
    using model = await loadModel(fixtureSource(name), { gpu, dtype, check: true });
    expect(model.warnings).toEqual([]);
    expect(model.generationConfig).toMatchObject({
      bos_token_id: 41,
      eos_token_id: 5,
      pad_token_id: 0,
    });
    const { logits } = await model.forward(callInputs(expected, 'nomask'));
    expectClose(logits, expected.values.get('nomask/logits')!, 'logits', undefined, bound);
  }),
);

test('captions come piece by piece, and together with others', () =>
  withGpu(usual, async (gpu) => {
    const { generate } = await readCase(name);
    using model = await loadModel(fixtureSource(name), { gpu });
    const runs = ['greedy', 'prompted', 'padded'].map((each) => {
      const run = generate.find((one) => one.name === each)!;
      const inputs: ModelInputs = inCamelCase(run.inputs);
      return { inputs, options: generateOptions(run), sequences: run.sequences };
    });
    const together = await model.generateTogether(runs);
    expect(together.map(({ sequences }) => sequences)).toEqual(
      runs.map(({ sequences }) => sequences),
    );
    const [alone] = runs;
    const pieces: number[][] = [];
    for await (const { tokenIds } of model.stream(alone!.inputs, alone!.options)) {
      pieces.push(tokenIds);
    }
    const told = alone!.sequences.map((row) => row.slice(1));
    expect(told.map((_, row) => pieces.map((ids) => ids[row]))).toEqual(told);
  }));

test('what it cannot go on from is refused, and what is overlooked is told', () =>
  withGpu(usual, async (gpu) => {
    using model = await loadModel(fixtureSource(name), { gpu });
    const { pixelValues } = callInputs(await readCase(name), 'main');
    const images = { pixelValues: pixelValues! };
    const refused = (inputs: object, ...parts: string[]): Promise<void> =>
      expectRejection(model.generate(inputs), 'INPUT_INVALID', ...parts);
    await refused({}, 'pixelValues is missing');
    await refused({ ...images, decoderInputIds: [[1]] }, 'takes no input "decoderInputIds"');
    await refused({ ...images, inputIds: [[41, 5]] }, '2 rows', 'has 1');
    await refused({ ...images, inputIds: [[41], [41]] }, 'one token a row');
    const inputIds = [
      [41, 7, 5],
      [41, 7, 5],
    ];
    await refused({ ...images, inputIds, attentionMask: [[1, 1, 1]] }, '1 × 3', '2 × 3');
    await expectRejection(model.forward(images), 'INPUT_INVALID', 'inputIds is missing');
    const files = await fixtureFiles(name, ['config.json', 'model.safetensors']);
    const changed = (fields: Record<string, unknown>): Promise<Model> =>
      loadModel(
        memorySource({ ...files, 'config.json': withFields(files['config.json'], fields) }),
        { gpu },
      );
    const { text_config: texts } = model.config as { text_config: object };
    const smooth = { text_config: { ...texts, label_smoothing: 0.1 } };
    using smoothed = await changed(smooth);
    expect(smoothed.warnings.join()).toContain('"label_smoothing" is 0.1');
    const decoders = changed({ text_config: { ...texts, is_decoder: false } });
    await expectRejection(decoders, 'MODEL_UNSUPPORTED', '"text_config"', 'is_decoder');
    const other = changed({ architectures: ['BlipForQuestionAnswering'] });
    await expectRejection(other, 'MODEL_UNSUPPORTED', 'BlipForQuestionAnswering');
  }));
