// A training run in the worker: from drawn weights to a translator, with a look at it now and then.

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
  type Recipe,
  trainerOptions,
} from '../../src/phrases/recipe.ts';
import { buildTokenizer } from '../../src/phrases/vocabulary.ts';
import { describeAdapter } from '../adapter-name.ts';
import { presets } from './presets.ts';
import type { Report, SavedFile, Settings, Stage } from './protocol.ts';
import { Samples } from './samples.ts';

type Tell = (report: Report, transfer?: ArrayBuffer[]) => void;

/** A stretch of steps that goes on. */
interface Stretch {
  readonly controller: AbortController;
  readonly ended: Promise<void>;
}

export class Run {
  readonly #gpu: Gpu;
  readonly #translator: TranslationPipeline;
  readonly #trainer: Trainer;
  readonly #recipe: Recipe;
  readonly #lookEvery: number;
  readonly #batches: ReturnType<typeof phraseBatches>;
  readonly #samples: Samples;
  readonly #tokenizerFiles: readonly SavedFile[];
  readonly #tell: Tell;
  #stretch: Stretch | undefined;
  #isSaving = false;

  private constructor(
    translator: TranslationPipeline,
    { lookEvery }: Settings,
    { recipe, tokenizerFiles, tell }: { recipe: Recipe; tokenizerFiles: SavedFile[]; tell: Tell },
  ) {
    const { model, tokenizer } = translator;
    this.#gpu = model.gpu;
    this.#translator = translator;
    this.#trainer = new Trainer(model, trainerOptions(recipe));
    this.#recipe = recipe;
    this.#lookEvery = lookEvery;
    this.#batches = phraseBatches(recipe, (text) => tokenizer.encode(text));
    this.#samples = new Samples(translator);
    this.#tokenizerFiles = tokenizerFiles;
    this.#tell = tell;
  }

  /**
   * Opens a device, learns the vocabulary and draws the weights. Nothing is left on the device when
   * that fails.
   * @throws TransformerError ADAPTER_NOT_FOUND without WebGPU, ABORTED, OPTION_INVALID, OUT_OF_MEMORY
   */
  static async open(settings: Settings, signal: AbortSignal, tell: Tell): Promise<Run> {
    const { recipe: base, vocabulary, vocabularyPairs, config } = presets[settings.preset];
    const { learningRate, seed } = settings;
    const recipe = { ...base, learningRate, seed };
    const reach = async (stage: Stage): Promise<void> => {
      tell({ type: 'stage', stage });
      // A turn of the event loop, in which an order to stop can arrive.
      await new Promise((resolve) => setTimeout(resolve));
      if (signal.aborted) throw new TransformerError('ABORTED', 'The run was stopped.');
    };
    await reach('device');
    const gpu = await Gpu.request({ signal });
    try {
      await reach('tokens');
      const tokenizer = buildTokenizer(seed, vocabulary, vocabularyPairs);
      await reach('model');
      const checkpoint = initialCheckpoint(
        { ...phrasesConfig(vocabulary), ...config },
        { seed, generationConfig: phrasesGeneration },
      );
      const tokenizerFiles = [
        { name: 'tokenizer.json', bytes: encodeJson(tokenizer.tokenizer) },
        { name: 'tokenizer_config.json', bytes: encodeJson(tokenizer.config) },
      ];
      const source = withFiles(checkpoint, tokenizerFiles);
      const translator = await pipeline('translation', source, { gpu, training: true, signal });
      const run = new Run(translator, settings, { recipe, tokenizerFiles, tell });
      tell({
        type: 'ready',
        facts: {
          adapter: describeAdapter(gpu.info),
          parameters: run.#trainer.trainableParameters,
          steps: recipe.steps,
          leastLoss: leastLoss(trainerOptions(recipe), vocabulary),
          samples: run.#samples.phrases,
        },
      });
      return run;
    } catch (error) {
      gpu.dispose();
      throw error;
    }
  }

  /** Trains until the last step or `pause`. Resolves at once when that is under way already. */
  async resume(): Promise<void> {
    if (this.#stretch !== undefined) return;
    const controller = new AbortController();
    const ended = this.#train(controller.signal);
    this.#stretch = { controller, ended };
    try {
      await ended;
    } finally {
      this.#stretch = undefined;
    }
    if (this.#isSaving) await this.#save();
    const { step } = this.#trainer;
    this.#tell({ type: step < this.#recipe.steps ? 'paused' : 'finished', step });
  }

  /** Ends the stretch of steps under way; `resume` goes on with the next step. */
  pause(): void {
    this.#stretch?.controller.abort();
  }

  /** Sends the files of the model: now, or after the step under way. */
  async save(): Promise<void> {
    this.#isSaving = true;
    if (this.#stretch === undefined) await this.#save();
  }

  /** Frees all that the run holds. Resolves with the bytes of GPU memory that are left: none. */
  async close(): Promise<number> {
    this.#isSaving = false;
    this.pause();
    await this.#stretch?.ended.catch(() => {});
    this.#trainer.dispose();
    this.#translator.dispose();
    const { bytes } = this.#gpu.memory;
    this.#gpu.dispose();
    return bytes;
  }

  async #train(signal: AbortSignal): Promise<void> {
    this.#tell({ type: 'running' });
    const maxSteps = this.#recipe.steps;
    try {
      if (this.#trainer.step === 0) await this.#look();
      for await (const step of this.#trainer.steps(this.#batches, { signal, maxSteps })) {
        this.#tell({ type: 'step', step, gpuBytes: this.#gpu.memory.bytes });
        if (step.step % this.#lookEvery === 0 || step.step === maxSteps) await this.#look();
        if (this.#isSaving) await this.#save();
      }
    } catch (error) {
      if (!(error instanceof TransformerError) || error.code !== 'ABORTED') throw error;
    }
  }

  async #look(): Promise<void> {
    const look = await this.#samples.look(this.#trainer.step);
    this.#tell({ type: 'look', look });
  }

  async #save(): Promise<void> {
    this.#isSaving = false;
    const { step } = this.#trainer;
    const files: SavedFile[] = [];
    const write = async (name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> => {
      files.push({ name, bytes });
    };
    await this.#trainer.saveModel({ write });
    const transfer = files.map(({ bytes }) => bytes.buffer);
    this.#tell({ type: 'saved', step, files: [...files, ...this.#tokenizerFiles] }, transfer);
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

function encodeJson(value: object): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${JSON.stringify(value)}\n`);
}

/** The entropy of a smoothed target, below which no cross entropy can fall (Szegedy et al. 2016, §7). */
function leastLoss({ labelSmoothing = 0 }: TrainerOptions, vocabulary: number): number {
  const other = labelSmoothing / vocabulary;
  const right = 1 - labelSmoothing + other;
  const part = (p: number): number => (p > 0 ? -p * Math.log(p) : 0);
  return part(right) + (vocabulary - 1) * part(other);
}
