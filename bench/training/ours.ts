// The step in this library.

import { Gpu, loadModel } from 'webgpu-transformer';
import { adam as adamOptimizer, Trainer } from 'webgpu-transformer/training';
import { adam, type Problem, smoothing } from './problem.ts';
import type { Library, Side } from './side.ts';

export function ours(device: GPUDevice, version: string): Library {
  const gpu = Gpu.from(device);
  return { name: 'ours', version, prepare: (problem) => prepare(gpu, problem) };
}

async function prepare(gpu: Gpu, { source, inputIds, labels }: Problem): Promise<Side> {
  const model = await loadModel(source, { gpu, training: true });
  const { learningRate, beta1, beta2, eps } = adam;
  const optimizer = adamOptimizer({ beta1, beta2, eps });
  const trainer = new Trainer(model, { optimizer, learningRate, labelSmoothing: smoothing });
  const batch = {
    inputIds: inputIds.map((row) => [...row]),
    labels: labels.map((row) => [...row]),
  };
  const batches = () => batch;
  return {
    step: async () => {
      // One step a loop, so that no work of the next one runs ahead while the others have their turn.
      let loss = NaN;
      for await (const step of trainer.steps(batches, { maxSteps: trainer.step + 1 })) {
        ({ loss } = step);
      }
      return loss;
    },
    dispose: () => {
      trainer.dispose();
      model.dispose();
    },
  };
}
