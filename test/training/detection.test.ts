// Training of detectors: two runs that agree, and labels that are none.
import { expect, test } from 'vitest';
import { type ImageObjects, loadModel, type ModelInputs } from 'webgpu-transformer';
import { Trainer } from 'webgpu-transformer/training';
import { callInputs } from '../support/checkpoint.ts';
import { readCase } from '../support/expected.ts';
import { sharedGpu } from '../support/gpu.ts';
import { expectRejection } from '../support/rejection.ts';
import { fixtureFiles, fixtureSource, memorySource, withFields } from '../support/source.ts';
import { snapshot } from '../support/training.ts';

const onGpu = sharedGpu();
const name = 'variants/yolos_labels';
const batchOf = async (): Promise<ModelInputs> => callInputs(await readCase(name), 'main');

test('two runs are equal bit for bit, over batches that share a list', () =>
  onGpu(async (gpu) => {
    const batch = await batchOf();
    const [first, second] = batch.labels as readonly ImageObjects[];
    const batches = [batch, { ...batch, labels: [second!, first!] }, batch];
    const run = async () => {
      using model = await loadModel(fixtureSource(name), { gpu, training: true });
      using trainer = new Trainer(model, { learningRate: 1e-3, seed: 3 });
      const losses: number[] = [];
      for await (const { loss } of trainer.steps(batches)) losses.push(loss);
      return { losses, kept: await snapshot(trainer) };
    };
    const found = await run();
    expect(new Set(found.losses).size).toBe(3);
    expect(await run()).toEqual(found);
  }));

test('a detector learns to find what it had no label for', () =>
  onGpu(async (gpu) => {
    const { pixelValues } = await batchOf();
    const box = (x: number): number[][] => [[x, 0.5, 0.3, 0.4]];
    const labels = [
      { classLabels: [3], boxes: box(0.3) },
      { classLabels: [4], boxes: box(0.7) },
    ];
    const head = { labels: ['ant', 'bee', 'cat', 'dog', 'elk'], of: 'object' } as const;
    using model = await loadModel(fixtureSource(name), { gpu, training: true, head });
    using trainer = new Trainer(model, { learningRate: 1e-2, dropout: false });
    const losses: number[] = [];
    const batch = { pixelValues: pixelValues!, labels };
    for await (const { loss } of trainer.steps(() => batch, { maxSteps: 30 })) losses.push(loss);
    expect(losses.at(-1)!).toBeLessThan(0.5 * losses[0]!);
    const { logits } = await model.forward({ pixelValues: pixelValues! });
    expect(logits?.shape).toEqual([2, 7, 6]);
  }));

test('labels that are none are refused, and what Python does not compute either', () =>
  onGpu(async (gpu) => {
    const { pixelValues, labels } = await batchOf();
    const [first, second] = labels as readonly ImageObjects[];
    using model = await loadModel(fixtureSource(name), { gpu });
    const box = [0.5, 0.5, 0.2, 0.2];
    const many = Array.from({ length: 8 }, () => box);
    const wrong: [labels: unknown, ...parts: string[]][] = [
      [[first], 'objects of 2 images'],
      [[first, 3], 'labels[1] is 3', '{ classLabels, boxes }'],
      [[first, { classLabels: [1], boxes: [] }], 'labels[1]', 'as many of one'],
      [[{ classLabels: [3], boxes: [box] }, second], 'labels[0].classLabels[0] is 3', '0 to 2'],
      [[{ classLabels: [0], boxes: [[0.5, 0.5, 2, 0.2]] }, second], 'labels[0].boxes[0]', '0 to 1'],
      [[{ classLabels: [0], boxes: [[0.5, 0.5, 0.2]] }, second], 'labels[0].boxes[0]'],
      [[first, { classLabels: many.map(() => 1), boxes: many }], '8 objects', 'looks for 7'],
    ];
    for (const [given, ...parts] of wrong) {
      const inputs = { pixelValues: pixelValues!, labels: given as readonly ImageObjects[] };
      await expectRejection(model.forward(inputs), 'INPUT_INVALID', ...parts);
    }
    const files = await fixtureFiles(name, ['config.json', 'model.safetensors']);
    const config = withFields(files['config.json'], { auxiliary_loss: true });
    const source = memorySource({ ...files, 'config.json': config });
    using auxiliary = await loadModel(source, { gpu, training: true });
    await expectRejection(
      () => auxiliary.trainable().expectLoss(),
      'MODEL_UNSUPPORTED',
      'auxiliary_loss',
    );
    const both = { pixelValues: pixelValues!, labels: labels! };
    await expectRejection(auxiliary.forward(both), 'MODEL_UNSUPPORTED', 'auxiliary_loss');
  }));
