// A training run of phrases: from drawn weights to a translator, with a look at it now and then.

import {
  Gpu,
  pipeline,
  type Source,
  TransformerError,
  type TranslationPipeline,
} from 'webgpu-transformer';
import { initialCheckpoint, Trainer, type TrainerOptions } from 'webgpu-transformer/training';
import {
  phraseBatches,
  phrasesConfig,
  phrasesGeneration,
  trainerOptions,
} from '../../src/phrases/recipe.ts';
import { buildTokenizer } from '../../src/phrases/vocabulary.ts';
import { describeAdapter } from '../adapter-name.ts';
import { presets } from './presets.ts';
import type { Outcome, Question, SavedFile, Settings } from './protocol.ts';
import { Samples } from './samples.ts';
import { tell } from './serve.ts';
import { jsonFile, reach, TrainingRun } from './training-run.ts';

/**
 * Opens a device, learns the vocabulary and draws the weights. Nothing is left on the device when
 * that fails.
 * @throws TransformerError ADAPTER_NOT_FOUND without WebGPU, ABORTED, OPTION_INVALID, OUT_OF_MEMORY
 */
export async function openRun(
  { preset, learningRate, seed, lookEvery }: Settings,
  signal: AbortSignal,
): Promise<TrainingRun> {
  const { recipe: base, vocabulary, vocabularyPairs, config } = presets[preset];
  const recipe = { ...base, learningRate, seed };
  await reach('device', signal);
  const gpu = await Gpu.request({ signal });
  try {
    await reach('data', signal);
    const built = buildTokenizer(seed, vocabulary, vocabularyPairs);
    await reach('model', signal);
    const checkpoint = initialCheckpoint(
      { ...phrasesConfig(vocabulary), ...config },
      { seed, generationConfig: phrasesGeneration },
    );
    const files = [
      jsonFile('tokenizer.json', built.tokenizer),
      jsonFile('tokenizer_config.json', built.config),
    ];
    const source = withFiles(checkpoint, files);
    const translator = await pipeline('translation', source, { gpu, training: true, signal });
    const { model, tokenizer } = translator;
    const trainer = new Trainer(model, trainerOptions(recipe));
    const samples = new Samples(translator);
    tell({
      type: 'ready',
      facts: {
        adapter: describeAdapter(gpu.info),
        parameters: trainer.trainableParameters,
        steps: recipe.steps,
        leastLoss: leastLoss(trainerOptions(recipe), vocabulary),
        samples: samples.phrases,
      },
    } satisfies Outcome);
    return new TrainingRun({
      gpu,
      trainer,
      batches: phraseBatches(recipe, (text) => tokenizer.encode(text)),
      steps: recipe.steps,
      lookEvery,
      files,
      look: async (step) => {
        tell({ type: 'look', look: await samples.look(step) } satisfies Outcome);
      },
      answer: async (question) => {
        const answer = await answerOf(translator, question);
        tell({ type: 'tried', question, answer } satisfies Outcome);
      },
      dispose: () => translator.dispose(),
    });
  } catch (error) {
    gpu.dispose();
    throw error;
  }
}

/** Tokens of an answer to a visitor at most: an untrained model does not know where to end. */
const answerTokens = 48;

async function answerOf(translator: TranslationPipeline, { text, to }: Question): Promise<string> {
  try {
    const [translation] = await translator(text, { to, maxNewTokens: answerTokens });
    return translation?.translationText ?? '';
  } catch (error) {
    // A phrase that is too long, say, ends no run.
    if (error instanceof TransformerError && error.code === 'INPUT_INVALID') return error.message;
    throw error;
  }
}

/** A checkpoint with more files beside its own. */
function withFiles(checkpoint: Source, files: readonly SavedFile[]): Source {
  return {
    ...checkpoint,
    read: async (name, range, signal) => {
      const file = files.find((one) => one.name === name);
      return file === undefined ? checkpoint.read(name, range, signal) : file.bytes;
    },
  };
}

/** The entropy of a smoothed target, below which no cross entropy can fall (Szegedy et al. 2016, §7). */
function leastLoss({ labelSmoothing = 0 }: TrainerOptions, vocabulary: number): number {
  const other = labelSmoothing / vocabulary;
  const right = 1 - labelSmoothing + other;
  const part = (p: number): number => (p > 0 ? -p * Math.log(p) : 0);
  return part(right) + (vocabulary - 1) * part(other);
}
