// What training does to a model: it learns, by the gradients that were asked for, and the model in use
// is the trained one.

import { loadModel, type Model, type ModelInputs } from 'webgpu-transformer';
import { adam, initialCheckpoint, sgd, Trainer } from 'webgpu-transformer/training';
import { describe, expect, test } from 'vitest';
import { readParameters } from '../../src/model/weights/read-parameters.ts';
import { expectClose } from '../support/expected.ts';
import { readFixtureJson } from '../support/fixture.ts';
import { sharedGpu, testGpus, withGpu } from '../support/gpu.ts';
import { expectRejection } from '../support/rejection.ts';
import { fixtureSource, type Values } from '../support/source.ts';
import {
  joined,
  MemoryTarget,
  snapshot,
  tinyBatch,
  tinyModel,
  tinySource,
  trainTo,
  vocabulary,
  withTrainer,
} from '../support/training.ts';

const onGpu = sharedGpu();
const gpus = await testGpus();

/** All parameters end to end. */
async function values({ gpu, state }: Trainer): Promise<Values> {
  const all = [...(await readParameters(gpu, state.parameters)).values()];
  const data = Float32Array.from(all.flatMap((tensor) => [...tensor.data]));
  return { data, shape: [data.length] };
}

function minus(a: Values, b: Values): Values {
  return { data: a.data.map((value, i) => value - b.data[i]!), shape: a.shape };
}

const norm = ({ data }: Values): number => Math.hypot(...data);

/** Plain steps of size 1, so that what parameters lose is their gradient. */
const plain = { optimizer: sgd(), learningRate: 1, dropout: false };

test('two small batches a step do what one large batch does', async () => {
  const [a, b] = [tinyBatch(0, 2), tinyBatch(1, 5)];
  const labels = ({ labels: rows = [] }: ModelInputs): number =>
    rows.flat().filter((label) => Number(label) >= 0).length;
  // The mean is over labels, not over batches: unlike counts tell them apart.
  expect(labels(a)).not.toBe(labels(b));
  await onGpu(async (gpu) => {
    const step = (batches: ModelInputs[], accumulate: number) =>
      withTrainer(gpu, { ...plain, accumulate }, async (trainer) => {
        const before = await values(trainer);
        const steps = [];
        for await (const done of trainer.steps(batches)) steps.push(done);
        expect(steps).toHaveLength(1);
        return { ...steps[0]!, gradient: minus(before, await values(trainer)) };
      });
    const small = await step([a, b], 2);
    const large = await step([joined(a, b)], 1);
    expectClose(small.gradient, large.gradient, 'gradient');
    expect(Math.abs(small.loss - large.loss)).toBeLessThan(1e-5 * large.loss);
    expect(Math.abs(small.gradNorm - large.gradNorm)).toBeLessThan(1e-5 * large.gradNorm);
    expect(Math.abs(norm(small.gradient) - small.gradNorm)).toBeLessThan(1e-4 * small.gradNorm);
  });
});

test('clipping shortens the gradient and keeps its direction', async () => {
  await onGpu(async (gpu) => {
    const step = (maxGradNorm: number) =>
      withTrainer(gpu, { ...plain, maxGradNorm }, async (trainer) => {
        const before = await values(trainer);
        let [gradNorm, skipped] = [0, true];
        for await (const done of trainer.steps([tinyBatch(3)])) ({ gradNorm, skipped } = done);
        expect(skipped).toBe(false);
        return { gradNorm, change: minus(before, await values(trainer)) };
      });
    const free = await step(0);
    const clipped = await step(free.gradNorm / 4);
    expect(clipped.gradNorm, 'the norm before clipping is told').toBe(free.gradNorm);
    const quarter = { ...free.change, data: free.change.data.map((value) => value / 4) };
    expectClose(clipped.change, quarter, 'change');
    expect((await step(2 * free.gradNorm)).change.data, 'a norm within').toEqual(free.change.data);
  });
});

test('a new model begins at log V, and learns one batch to the floor of label smoothing', async () => {
  const config = (await readFixtureJson('marian/config.json')) as Record<string, number>;
  const { labels: call } = (await readFixtureJson('marian/inputs.json')) as {
    labels: Record<string, number[][]>;
  };
  const batch: ModelInputs = {
    inputIds: call['input_ids']!,
    attentionMask: call['attention_mask']!,
    labels: call['labels']!,
  };
  const size = config['vocab_size']!;
  const smoothing = 0.1;
  // The entropy of the smoothed target: no model has a smaller loss.
  const [hit, miss] = [1 - smoothing + smoothing / size, smoothing / size];
  const floor = -hit * Math.log(hit) - (size - 1) * miss * Math.log(miss);
  await onGpu(async (gpu) => {
    const model = await loadModel(initialCheckpoint(config, { seed: 3 }), { gpu, training: true });
    const trainer = new Trainer(model, {
      learningRate: 0.01,
      optimizer: adam({ beta2: 0.98 }),
      labelSmoothing: smoothing,
      maxGradNorm: 1,
    });
    const losses: number[] = [];
    for await (const { loss } of trainer.steps(() => batch, { maxSteps: 150 })) losses.push(loss);
    // Logits of variance 1 add half a nat to log V.
    expect(losses[0]).toBeGreaterThan(Math.log(size) - 0.1);
    expect(losses[0]).toBeLessThan(Math.log(size) + 1);
    const last = losses.at(-1)!;
    expect(last).toBeGreaterThan(floor * (1 - 1e-5));
    expect(last).toBeLessThan(floor * 1.02);
    const { loss } = await trainer.evaluate([batch]);
    // Without smoothing the best answer to the smoothed target costs -log of its share.
    expect(loss).toBeLessThan(-Math.log(hit) + 0.05);
    trainer.dispose();
    model.dispose();
  });
});

describe('evaluate', () => {
  test.each(gpus)('is the loss of forward, over labels, on $name', async ({ options }) => {
    const batches = [tinyBatch(0, 2), tinyBatch(1, 5), tinyBatch(2, 1)];
    await withGpu(options, async (gpu) => {
      await withTrainer(gpu, { labelSmoothing: 0.1 }, async (trainer, model) => {
        let [sum, tokens] = [0, 0];
        for (const batch of batches) {
          const count = batch.labels!.flat().filter((label) => Number(label) >= 0).length;
          sum += (await model.forward(batch)).loss!.data[0]! * count;
          tokens += count;
        }
        const evaluation = await trainer.evaluate(batches);
        expect(evaluation.tokens).toBe(tokens);
        expect(Math.abs(evaluation.loss - sum / tokens)).toBeLessThan((1e-5 * sum) / tokens);
        expect(evaluation.perplexity).toBe(Math.exp(evaluation.loss));
      });
    });
  });

  test('changes nothing of a run, in its loop and beside it', async () => {
    await onGpu(async (gpu) => {
      const plainly = await withTrainer(gpu, { accumulate: 2 }, async (trainer) => {
        await trainTo(trainer, 4);
        return snapshot(trainer);
      });
      await withTrainer(gpu, { accumulate: 2 }, async (trainer) => {
        const before = await snapshot(trainer);
        const first = await trainer.evaluate([tinyBatch(7)]);
        expect(await snapshot(trainer)).toEqual(before);
        const losses: number[] = [];
        for await (const { step } of trainer.steps(tinyBatch, { maxSteps: 4 })) {
          if (step === 3) continue;
          losses.push((await trainer.evaluate([tinyBatch(7), tinyBatch(8)])).loss);
        }
        expect(new Set(losses).size).toBe(3);
        expect(await snapshot(trainer)).toEqual(plainly);
        expect(await trainer.evaluate([tinyBatch(7)])).not.toEqual(first);
      });
    });
  });

  test('refuses what it cannot evaluate', async () => {
    await onGpu(async (gpu) => {
      await withTrainer(gpu, {}, async (trainer) => {
        const signal = AbortSignal.abort();
        await expectRejection(trainer.evaluate([]), 'INPUT_INVALID', 'no batch');
        await expectRejection(trainer.evaluate([{ inputIds: [[1]] }]), 'INPUT_INVALID', 'labels');
        await expectRejection(trainer.evaluate([tinyBatch(0)], { signal }), 'ABORTED');
        expect((await trainer.evaluate([tinyBatch(0)])).loss).toBeGreaterThan(0);
      });
    });
  });
});

test('the model in use is the model as trained so far', async () => {
  await onGpu(async (gpu) => {
    const answer = async (model: Model) => {
      const { inputIds = [], attentionMask = [], labels = [] } = tinyBatch(5);
      return {
        logits: (await model.forward({ inputIds, attentionMask, labels })).logits!.data,
        generated: await model.generate({ inputIds, attentionMask }, { maxNewTokens: 6 }),
      };
    };
    await withTrainer(gpu, { learningRate: 0.05 }, async (trainer, model) => {
      const all = [await answer(model)];
      for await (const { step } of trainer.steps(tinyBatch, { maxSteps: 12 })) {
        if (step % 6 > 0) continue;
        const target = new MemoryTarget();
        const [now] = await Promise.all([answer(model), trainer.saveModel(target)]);
        const saved = await loadModel(target.source, { gpu });
        expect(await answer(saved), `step ${step}`).toEqual(now);
        saved.dispose();
        all.push(now);
      }
      expect(new Set(all.map(({ logits }) => logits.join())).size).toBe(3);
      expect(new Set(all.map(({ generated }) => JSON.stringify(generated))).size).toBeGreaterThan(
        1,
      );
      trainer.dispose();
      expect(await answer(model), 'without the trainer').toEqual(all.at(-1));
    });
  });
});

test('models that cannot train say how they can', async () => {
  await onGpu(async (gpu) => {
    const running = await loadModel(tinySource(), { gpu });
    const make = (model: Model): Trainer => new Trainer(model, { learningRate: 0.1 });
    const adapters = 'train adapters (Lora)';
    await expectRejection(() => make(running), 'OPTION_INVALID', 'training: true', adapters);
    running.dispose();
    const vectors = await loadModel(fixtureSource('torch_transformer_post_relu'), { gpu });
    await expectRejection(() => make(vectors), 'MODEL_UNSUPPORTED', 'nn.Transformer', 'no loss');
    vectors.dispose();
    const half = loadModel(tinySource(), { gpu, training: true, dtype: 'f16' });
    await expectRejection(half, 'OPTION_INVALID', '"f16"', 'held in f32', adapters);
    const model = await tinyModel(gpu);
    const refuse = (options: object, code: 'OPTION_INVALID' | 'OPTION_UNKNOWN', part: string) =>
      expectRejection(() => new Trainer(model, { learningRate: 0.1, ...options }), code, part);
    await refuse({ learningrate: 1 }, 'OPTION_UNKNOWN', 'Did you mean "learningRate"?');
    await refuse({ learningRate: 0 }, 'OPTION_INVALID', 'learningRate is 0');
    await refuse({ accumulate: 0 }, 'OPTION_INVALID', 'accumulate is 0');
    await refuse({ labelSmoothing: 1 }, 'OPTION_INVALID', 'labelSmoothing is 1');
    await refuse({ maxGradNorm: -1 }, 'OPTION_INVALID', 'maxGradNorm is -1');
    await refuse({ seed: 0.5 }, 'OPTION_INVALID', 'seed is 0.5');
    await refuse({ freeze: 'model.*' }, 'OPTION_INVALID', 'freeze is "model.*"');
    await refuse({ decay: 'matrix' }, 'OPTION_INVALID', 'decay is "matrix"');
    expect(model.trainable().weights.length).toBeGreaterThan(vocabulary);
    model.dispose();
  });
});
