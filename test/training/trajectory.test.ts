// Twenty optimizer steps against PyTorch in float64: losses, gradient norms, rates, final weights.

import { loadModel } from 'webgpu-transformer';
import {
  adam,
  adamW,
  inverseSquareRoot,
  type Optimizer,
  Trainer,
} from 'webgpu-transformer/training';
import { describe, expect, test } from 'vitest';
import { readParameters } from '../../src/model/weights/read-parameters.ts';
import { readFixture, readFixtureJson } from '../support/fixture.ts';
import { testGpus, withGpu } from '../support/gpu.ts';
import { fixtureSource, readValues } from '../support/source.ts';

interface Run {
  readonly training: {
    readonly optimizer: 'Adam' | 'AdamW';
    readonly betas: readonly [number, number];
    readonly eps: number;
    readonly weight_decay: number;
    readonly clip_grad_norm: number | null;
    readonly label_smoothing: number;
    readonly noam: { readonly warmup: number; readonly factor: number; readonly d_model: number };
    readonly pad_id: number;
    readonly steps: number;
  };
}

interface Batch {
  readonly src: number[][];
  readonly tgt_in: number[][];
  readonly tgt_out: number[][];
}

const cases = ['torch_train_post_adam', 'torch_train_pre_adamw'];

describe.each(cases)('%s', (name) => {
  test.each(['software', 'gpu'])('on %s kernels', async (tier) => {
    const found = (await testGpus()).find((gpu) => gpu.name.startsWith(tier))!;
    await withGpu(found.options, async (gpu) => {
      const { training } = (await readFixtureJson(`${name}/config.json`)) as Run;
      const { batches } = (await readFixtureJson(`${name}/inputs.json`)) as { batches: Batch[] };
      const expected = (await readFixtureJson(`${name}/expected.json`)) as {
        loss: number[];
        lr: number[];
        grad_norm: number[];
      };
      const { pad_id: pad, noam } = training;
      const seen = (rows: number[][]): number[][] =>
        rows.map((row) => row.map((id) => (id === pad ? 0 : 1)));
      const inputs = batches.map(({ src, tgt_in: target, tgt_out: out }) => ({
        inputIds: src,
        attentionMask: seen(src),
        decoderInputIds: target,
        decoderAttentionMask: seen(target),
        labels: out.map((row) => row.map((id) => (id === pad ? -100 : id))),
      }));
      const model = await loadModel(fixtureSource(name), { gpu, training: true });
      const trainer = new Trainer(model, {
        optimizer: optimizerOf(training),
        learningRate: inverseSquareRoot({
          dModel: noam.d_model,
          warmupSteps: noam.warmup,
          factor: noam.factor,
        }),
        labelSmoothing: training.label_smoothing,
        maxGradNorm: training.clip_grad_norm ?? 0,
        decay: 'all',
      });
      let last = 0;
      const steps = trainer.steps((index) => inputs[index % inputs.length], {
        maxSteps: training.steps,
      });
      for await (const { step, loss, gradNorm, learningRate, skipped } of steps) {
        last = step;
        expect(skipped).toBe(false);
        expect(learningRate).toBeCloseTo(expected.lr[step - 1]!, 12);
        const norm = expected.grad_norm[step - 1]!;
        const wrong = {
          step,
          loss: Math.abs(loss - expected.loss[step - 1]!) > 1e-5 * expected.loss[0]!,
          gradNorm: Math.abs(gradNorm - norm) > 1e-5 * Math.max(1, norm),
        };
        expect(wrong).toEqual({ step, loss: false, gradNorm: false });
      }
      expect(last).toBe(training.steps);

      const final = readValues(await readFixture(`${name}/expected_final.safetensors`));
      const trained = await readParameters(gpu, trainer.state.parameters);
      expect([...trained.keys()].toSorted()).toEqual([...final.keys()].toSorted());
      for (const [tensor, { data, shape }] of final) {
        const width = shape[0]! / 3;
        const largest = Math.max(...data.map(Math.abs));
        const got = trained.get(tensor)!.data;
        const off = data.findIndex((value, i) => {
          // The gradient of a key's bias is zero in theory: Adam makes steps of its rounding noise.
          if (tensor.endsWith('in_proj_bias') && i >= width && i < 2 * width) return false;
          return Math.abs(got[i]! - value) > 1e-4 * largest;
        });
        expect({ tensor, off }).toEqual({ tensor, off: -1 });
      }
      trainer.dispose();
      model.dispose();
    });
  });
});

function optimizerOf(training: Run['training']): Optimizer {
  const [beta1, beta2] = training.betas;
  const settings = { beta1, beta2, eps: training.eps, weightDecay: training.weight_decay };
  return training.optimizer === 'Adam' ? adam(settings) : adamW(settings);
}
