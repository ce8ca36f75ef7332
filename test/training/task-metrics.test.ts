// Measures of whole models: beside scikit-learn's, seqeval's, SciPy's and pycocotools' of the logits that fixtures store, and of texts
// that are right by their making.
import { expect, test } from 'vitest';
import { loadModel, type Model, type ModelInputs } from 'webgpu-transformer';
import { loadLora, type TaskMetrics, taskMetrics, withAdapters } from 'webgpu-transformer/training';
import { callInputs } from '../support/checkpoint.ts';
import { readCase } from '../support/expected.ts';
import { sharedGpu } from '../support/gpu.ts';
import { expectRejection } from '../support/rejection.ts';
import { fixtureFiles, fixtureSource, jsonFiles, memorySource } from '../support/source.ts';

const onGpu = sharedGpu();
const inputsOf = async (name: string): Promise<ModelInputs> =>
  callInputs(await readCase(name), 'main');

function expectClose(found: TaskMetrics, wanted: TaskMetrics): void {
  expect(Object.keys(found)).toEqual(Object.keys(wanted));
  for (const [name, value] of Object.entries(wanted)) {
    const off = Math.abs((found as Record<string, number>)[name]! - (value as number));
    expect({ name, off: off > 1e-5 }).toEqual({ name, off: false });
  }
}

test.each([
  ['bert_seqcls', { accuracy: 1 / 3, macroF1: 1 / 6 }],
  ['bert_tokcls', { macroF1: 0.07272727272727272, accuracy: 1 / 9 }],
  ['variants/bert_multilabel', { accuracy: 0, macroF1: 0.5833333333333333 }],
  ['variants/bert_regression', { pearson: 1, spearman: 1 }],
  // Told 0 to 4, 4 and 3; right 1 to 4, 2 to 3 and 0 to 3.
  ['bert_qa', { exactMatch: 0, f1: (8 / 9 + 0 + 2 / 5) / 3 }],
  ['bert_mlm', { loss: 12.801171 }],
  ['gpt2', { loss: 10.790144 }],
] as const)('%s is measured by the metric of its task', (name, wanted: TaskMetrics) =>
  onGpu(async (gpu) => {
    using model = await loadModel(fixtureSource(name), { gpu });
    const found = await taskMetrics(model, [await inputsOf(name)]);
    const { perplexity, ...others } = found;
    expectClose(others, wanted);
    expect(perplexity).toBe(wanted.loss && Math.exp(found.loss!));
  }),
);

test('tags of entities are measured as entities', () =>
  onGpu(async (gpu) => {
    const files = await fixtureFiles('bert_tokcls', ['config.json', 'model.safetensors']);
    const config = JSON.parse(new TextDecoder().decode(files['config.json'])) as object;
    const tags = ['O', 'B-PER', 'I-PER', 'B-LOC', 'I-LOC'];
    const named = jsonFiles({
      'config.json': { ...config, id2label: Object.fromEntries(tags.entries()) },
    });
    using model = await loadModel(memorySource({ ...files, ...named }), { gpu });
    const found = await taskMetrics(model, [await inputsOf('bert_tokcls')]);
    expectClose(found, { entityF1: 0.10526315789473684, accuracy: 1 / 9 });
  }));

test('batches of language models weigh by their labels', () =>
  onGpu(async (gpu) => {
    const inputs = await inputsOf('llama_gqa');
    const rows = inputs.inputIds!.map((_, row) => ({
      inputIds: [inputs.inputIds![row]!],
      attentionMask: [inputs.attentionMask![row]!],
      labels: [(inputs.labels as number[][])[row]!],
    }));
    using model = await loadModel(fixtureSource('llama_gqa'), { gpu });
    const { loss } = await taskMetrics(model, [inputs]);
    expectClose({ loss: (await taskMetrics(model, rows)).loss! }, { loss: loss! });
  }));

/** Ids as words. */
const tokenizer = {
  decode: (ids: readonly number[]): string => ids.map((id) => `w${id}`).join(' '),
};

/** What a model writes greedily of a fixture's inputs, behind the start token. */
async function written(model: Model, inputs: ModelInputs): Promise<number[][]> {
  const { sequences } = await model.generate(inputs, { maxNewTokens: 6, numBeams: 1 });
  return sequences;
}

test('what a model writes is compared with its labels as texts', () =>
  onGpu(async (gpu) => {
    const { inputIds, attentionMask } = await inputsOf('t5_relu');
    const source = { inputIds, attentionMask } as ModelInputs;
    using model = await loadModel(fixtureSource('t5_relu'), { gpu });
    const right = await written(model, source);
    const options = { tokenizer, maxNewTokens: 6 };
    const measured = (labels: number[][]): Promise<TaskMetrics> =>
      taskMetrics(model, [{ ...source, labels }], options);
    expect(await measured(right)).toEqual({ exactMatch: 1, chrF: 100 });
    const [first, ...others] = right;
    const { exactMatch, chrF } = await measured([first!.map((id) => id + 1), ...others]);
    expect(exactMatch).toBe((right.length - 1) / right.length);
    expect(chrF).toBeLessThan(100);
    await expectRejection(() => taskMetrics(model, [source]), 'OPTION_INVALID', 'loadTokenizer');
  }));

test('what a model hears is measured by its words', () =>
  onGpu(async (gpu) => {
    const { inputFeatures } = await inputsOf('whisper');
    const source = { inputFeatures } as ModelInputs;
    using model = await loadModel(fixtureSource('whisper'), { gpu });
    const right = await written(model, source);
    const [first, ...others] = right;
    const labels = [[...first!.slice(0, -1), first!.at(-1)! + 1, 3], ...others];
    const words = labels.flat().length;
    const options = { tokenizer, maxNewTokens: 6 };
    const { wordErrorRate } = await taskMetrics(model, [{ ...source, labels }], options);
    expect(wordErrorRate).toBeCloseTo(2 / words, 12);
  }));

test('labels of the steps of a sound count once, and blanks not at all', () =>
  onGpu(async (gpu) => {
    const name = 'variants/wav2vec2_ctc';
    const { labels: _, ...inputs } = await inputsOf(name);
    using model = await loadModel(fixtureSource(name), { gpu });
    const { logits } = await model.forward(inputs);
    const [batch = 0, steps = 0, columns = 1] = logits!.shape;
    const likeliest = Array.from({ length: batch * steps }, (__, row) => {
      const own = [...logits!.data.subarray(row * columns, (row + 1) * columns)];
      return own.indexOf(Math.max(...own));
    });
    const blank = model.config['pad_token_id'];
    const labels = Array.from({ length: batch }, (__, row) =>
      likeliest
        .slice(row * steps, (row + 1) * steps)
        .filter((label, i, all) => label !== all[i - 1])
        .filter((label) => label !== blank),
    );
    const longer = labels.map((row) => [...row, 2, -100]);
    const { wordErrorRate } = await taskMetrics(model, [{ ...inputs, labels: longer }], {
      tokenizer,
    });
    expect(wordErrorRate).toBeCloseTo(batch / (labels.flat().length + batch), 12);
  }));

test('what a detector finds is measured as COCO has it', () =>
  onGpu(async (gpu) => {
    const name = 'variants/yolos_labels';
    const { labels: _, ...inputs } = await inputsOf(name);
    const [near, nearer] = [
      [0.35, 0.63, 0.55, 0.4],
      [0.38, 0.55, 0.5, 0.5],
    ];
    const [far, small] = [
      [0.5, 0.6, 0.42, 0.22],
      [0.2, 0.2, 0.1, 0.1],
    ];
    const labels = [
      { classLabels: [0, 1], boxes: [near, nearer] },
      { classLabels: [1, 1, 2], boxes: [[0.47, 0.58, 0.4, 0.35], far, small] },
    ];
    using model = await loadModel(fixtureSource(name), { gpu });
    const wanted = {
      map: 0.3542574257425743,
      map50: 0.4719471947194719,
      map75: 0.3894389438943894,
    };
    expectClose(await taskMetrics(model, [{ ...inputs, labels }]), wanted);
    const none = labels.map(() => ({ classLabels: [], boxes: [] }));
    const empty = await taskMetrics(model, [{ ...inputs, labels: none }]);
    expect(empty).toEqual({ map: NaN, map50: NaN, map75: NaN });
    const wrong = taskMetrics(model, [{ ...inputs, labels: [0, 1] }]);
    await expectRejection(wrong, 'INPUT_INVALID', 'labels[0] is 0', 'classLabels');
    await expectRejection(taskMetrics(model, [inputs]), 'INPUT_INVALID', 'no labels');
    using classifier = await loadModel(fixtureSource('vit'), { gpu });
    const config = { ...classifier.config, architectures: ['ViTForObjectDetection'] };
    const { pixelValues } = await inputsOf('vit');
    const posed = { config, forward: classifier.forward.bind(classifier) } as unknown as Model;
    const told = taskMetrics(posed, [{ pixelValues: pixelValues!, labels }]);
    await expectRejection(told, 'INPUT_INVALID', 'no boxes', 'a detector');
  }));

test('adapters are measured beside their model', () =>
  onGpu(async (gpu) => {
    using model = await loadModel(fixtureSource('bert_seqcls'), { gpu });
    using adapter = await loadLora(model, fixtureSource('trajectories/bert'));
    const tuned = withAdapters(model, adapter);
    const found = await taskMetrics(tuned, [await inputsOf('bert_seqcls')]);
    expect(Object.keys(found)).toEqual(['accuracy', 'macroF1']);
  }));

test('what cannot be measured is refused', () =>
  onGpu(async (gpu) => {
    using model = await loadModel(fixtureSource('bert_seqcls'), { gpu });
    const inputs = await inputsOf('bert_seqcls');
    const { labels: _, ...unlabelled } = inputs;
    const refused = (batches: unknown, ...parts: string[]): Promise<void> =>
      expectRejection(
        () => taskMetrics(model, batches as ModelInputs[]),
        'INPUT_INVALID',
        ...parts,
      );
    await refused(inputs, 'iterable');
    await refused([], 'no batch');
    await refused([unlabelled], 'no labels');
    await refused([{ ...inputs, labels: [1, 2] }], '2 labels', 'tells 3');
    await refused([{ ...inputs, labels: [1, '2', 0] }], 'Label 1 of a batch is "2"');
    await refused([{ ...inputs, labels: [1, NaN, 2] }], 'Label 1', 'not finite');
    const other = {} as Model;
    await expectRejection(() => taskMetrics(other, [inputs]), 'INPUT_INVALID', 'loadModel');
    const wrong = (options: object, code: 'OPTION_INVALID' | 'OPTION_UNKNOWN'): Promise<void> =>
      expectRejection(() => taskMetrics(model, [inputs], options), code);
    await wrong({ tokenizer: 'gpt2' }, 'OPTION_INVALID');
    await wrong({ maxNewTokens: 0 }, 'OPTION_INVALID');
    await wrong({ metric: 'f1' }, 'OPTION_UNKNOWN');
    using questions = await loadModel(fixtureSource('bert_qa'), { gpu });
    const bare = async (): Promise<unknown> => {
      const { startPositions: __, ...rest } = await inputsOf('bert_qa');
      return taskMetrics(questions, [rest]);
    };
    await expectRejection(bare, 'INPUT_INVALID', 'startPositions');
    await expectRejection(
      () => taskMetrics(model, [inputs], { signal: AbortSignal.abort() }),
      'ABORTED',
    );
  }));
