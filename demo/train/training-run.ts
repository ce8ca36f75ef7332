// A training run in a worker, whatever it trains: steps in stretches that pause and go on, looks, saves, an end.

import { type Gpu, TransformerError } from 'webgpu-transformer';
import type { Batches, Trainer } from 'webgpu-transformer/training';
import type { Question, Remains, RunReport, SavedFile, Stage, StepReport } from './protocol.ts';
import { messageOf, type ServedRun, tell } from './serve.ts';

interface Parts {
  readonly gpu: Gpu;
  readonly trainer: Trainer;
  readonly batches: Batches;
  /** Number of the last step. */
  readonly steps: number;
  /** Steps from one look at the model to the next. */
  readonly lookEvery: number;
  /** Files that are saved beside those of the model. */
  readonly files: readonly SavedFile[];
  /** Looks at the model, and reports what it saw. */
  look(step: number): Promise<void>;
  /** Answers a visitor's question, where the page has such. */
  answer?(question: Question): Promise<void>;
  /** Frees the model. */
  dispose(): void;
}

/** A stretch of steps that goes on. */
interface Stretch {
  readonly controller: AbortController;
  readonly ended: Promise<void>;
}

export class TrainingRun implements ServedRun {
  readonly #parts: Parts;
  #stretch: Stretch | undefined;
  #isSaving = false;
  /** The question that waits; a newer one takes its place. */
  #question: Question | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

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
    await this.#serve();
    const { step } = this.#parts.trainer;
    tell({ type: step < this.#parts.steps ? 'paused' : 'finished', step } satisfies RunReport);
  }

  pause(): void {
    this.#stretch?.controller.abort();
  }

  async save(): Promise<void> {
    this.#isSaving = true;
    if (this.#stretch === undefined) await this.#save();
  }

  async try(question: Question): Promise<void> {
    this.#question = question;
    if (this.#stretch === undefined) await this.#serve();
  }

  async close(): Promise<Remains> {
    const { trainer, gpu } = this.#parts;
    this.pause();
    await this.#stretch?.ended.catch(() => {});
    // What was learned outlives the run, and what holds memory is freed whether it could be saved or not.
    const unsaved =
      trainer.step === 0 ? undefined : await this.#save().then(() => undefined, messageOf);
    trainer.dispose();
    this.#parts.dispose();
    const { bytes } = gpu.memory;
    gpu.dispose();
    return { gpuBytes: bytes, ...(unsaved !== undefined && { unsaved }) };
  }

  async #train(signal: AbortSignal): Promise<void> {
    tell({ type: 'running' } satisfies RunReport);
    const { trainer, batches, gpu, steps: maxSteps, lookEvery } = this.#parts;
    try {
      if (trainer.step === 0) await this.#parts.look(0);
      for await (const step of trainer.steps(batches, { signal, maxSteps })) {
        tell({ type: 'step', step, gpuBytes: gpu.memory.bytes } satisfies StepReport);
        if (step.step % lookEvery === 0 || step.step === maxSteps)
          await this.#parts.look(step.step);
        await this.#serve();
      }
    } catch (error) {
      if (!(error instanceof TransformerError) || error.code !== 'ABORTED') throw error;
    }
  }

  /** Does what was asked for meanwhile. */
  async #serve(): Promise<void> {
    if (this.#isSaving) await this.#save();
    const question = this.#question;
    this.#question = undefined;
    if (question !== undefined) await this.#parts.answer?.(question);
  }

  async #save(): Promise<void> {
    this.#isSaving = false;
    const { trainer, files } = this.#parts;
    const { step } = trainer;
    const own = await modelFiles(trainer);
    const report = { type: 'saved', step, files: [...own, ...files] } satisfies StepReport;
    tell(report, buffersOf(own));
  }
}

/** The files of a model as it stands. */
export async function modelFiles(trainer: Trainer): Promise<SavedFile[]> {
  const files: SavedFile[] = [];
  const write = async (name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> => {
    files.push({ name, bytes });
  };
  await trainer.saveModel({ write });
  return files;
}

/** What can be handed over to the page in place of a copy. */
export function buffersOf(files: readonly SavedFile[]): ArrayBuffer[] {
  return files.map(({ bytes }) => bytes.buffer);
}

/** Tells which stage begins, and lets an order to stop arrive. @throws TransformerError ABORTED */
export async function reach(stage: Stage, signal: AbortSignal): Promise<void> {
  tell({ type: 'stage', stage } satisfies RunReport);
  // A turn of the event loop, in which an order to stop can arrive.
  await new Promise((resolve) => setTimeout(resolve));
  if (signal.aborted) throw new TransformerError('ABORTED', 'The run was stopped.');
}

export function jsonFile(name: string, value: object): SavedFile {
  return { name, bytes: new TextEncoder().encode(`${JSON.stringify(value)}\n`) };
}
