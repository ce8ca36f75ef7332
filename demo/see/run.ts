// A training run of digits: from drawn weights to a model that reads them, tried on digits it never learns from.

import { Gpu, loadModel } from 'webgpu-transformer';
import { initialCheckpoint, Trainer } from 'webgpu-transformer/training';
import { describeAdapter } from '../adapter-name.ts';
import { mistakesOf } from '../digits/accuracy.ts';
import { preprocessing } from '../digits/pixel-values.ts';
import { digitBatches, digitsConfig, trainerOptions } from '../digits/recipe.ts';
import { fetchDigits, heldOut, training } from '../digits/share.ts';
import { tell } from '../train/serve.ts';
import { buffersOf, jsonFile, modelFiles, reach, TrainingRun } from '../train/training-run.ts';
import { presets } from './presets.ts';
import type { Outcome, Settings } from './protocol.ts';

/**
 * Opens a device, reads the digits and draws the weights. Nothing is left on the device when that fails.
 * @throws TransformerError ADAPTER_NOT_FOUND without WebGPU, ABORTED, OUT_OF_MEMORY
 */
export async function openRun(
  { preset, seed }: Settings,
  signal: AbortSignal,
): Promise<TrainingRun> {
  const { recipe: base, lookEvery, config } = presets[preset];
  const recipe = { ...base, seed };
  await reach('device', signal);
  const gpu = await Gpu.request({ signal });
  try {
    await reach('data', signal);
    const digits = await fetchDigits();
    const unseen = heldOut(digits);
    await reach('model', signal);
    const checkpoint = initialCheckpoint({ ...digitsConfig, ...config }, { seed });
    const model = await loadModel(checkpoint, { gpu, training: true, signal });
    const trainer = new Trainer(model, trainerOptions(recipe));
    tell({
      type: 'ready',
      facts: {
        adapter: describeAdapter(gpu.info),
        parameters: trainer.trainableParameters,
        steps: recipe.steps,
      },
    } satisfies Outcome);
    return new TrainingRun({
      gpu,
      trainer,
      batches: digitBatches(recipe, training(digits)),
      steps: recipe.steps,
      lookEvery,
      files: [jsonFile('preprocessor_config.json', preprocessing)],
      look: async (step) => {
        const mistakes = await mistakesOf(model, unseen);
        const files = await modelFiles(trainer);
        tell({ type: 'look', look: { step, mistakes, files } } satisfies Outcome, buffersOf(files));
      },
      dispose: () => model.dispose(),
    });
  } catch (error) {
    gpu.dispose();
    throw error;
  }
}
