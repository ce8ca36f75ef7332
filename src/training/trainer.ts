// Training: batches in, better parameters out. A step is two replayed lists: the gradients of a batch,
// and the update. While the caller looks at one step, the gradients of the next are computed.

import { refuseUnknown, throwIfAborted, TransformerError } from '../runtime/errors.ts';
import type { Gpu } from '../runtime/gpu.ts';
import type { Plan } from '../runtime/plan.ts';
import type { Model, ModelInputs } from '../model/model.ts';
import { PlanCache } from '../model/plan-cache.ts';
import type { TrainableModel } from '../model/trainable-model.ts';
import { openSource } from '../source/open-source.ts';
import type { Source } from '../source/source.ts';
import type { Target } from '../source/target.ts';
import { BatchReader, type Batches } from './batches.ts';
import { restoreState, saveModel, type SaveModelOptions, saveRun } from './checkpoint.ts';
import { Evaluator } from './evaluator.ts';
import { GradientPlan, type PreparedInputs } from './gradient-plan.ts';
import { trainableParameters } from './trainable-parts.ts';
import './trainable-models.ts';
import {
  type CheckedOptions,
  checkOptions,
  checkStepsOptions,
  learningRateOf,
  type TrainerOptions,
} from './trainer-options.ts';
import type { Evaluation, StepsOptions, TrainingStep } from './training-step.ts';
import { expectFinite, type UpdatePlan, UpdateState } from './update-plan.ts';

/** The gradients of a step on their way through the GPU. */
interface Ahead {
  readonly batches: readonly ModelInputs[];
  readonly labels: number;
  readonly tokens: number;
  /** The sum of the losses of each batch. */
  readonly sums: readonly Promise<number>[];
}

const cachedPlans = 12;

export class Trainer {
  readonly gpu: Gpu;
  /** @internal */
  readonly model: TrainableModel;
  readonly options: CheckedOptions;
  /** @internal */
  readonly state: UpdateState;
  /** Rejects when the device had no room for the state. */
  readonly #allocated: Promise<void>;
  #step = 0;
  #batch = 0;
  #savedStep: number | undefined;
  #running = false;
  #disposed = false;
  #reader: BatchReader | undefined;
  #update: UpdatePlan | undefined;
  #sums: { readonly first: Plan; readonly next: Plan } | undefined;
  readonly #plans = new PlanCache<GradientPlan>(cachedPlans);
  #evaluator: Evaluator | undefined;

  /**
   * Prepares a model that was loaded with `training: true`, or the adapters of one that was not.
   * @throws TransformerError OPTION_UNKNOWN, OPTION_INVALID, MODEL_UNSUPPORTED
   */
  constructor(model: Model, options: TrainerOptions) {
    this.options = checkOptions(options);
    this.model = model.trainable();
    this.gpu = model.gpu;
    const parameters = this.options.adapter?.parameters ?? trainableParameters(this.model);
    const settings = { ...this.options, accumulate: this.options.accumulate > 1 };
    const { result, done } = UpdateState.allocate(this.gpu, parameters, settings);
    this.state = result;
    this.#allocated = done;
    done.catch(() => {}); // told by the first step
  }

  /** Steps done. */
  get step(): number {
    return this.#step;
  }

  /** Batches used up by the steps done. */
  get batchesUsed(): number {
    return this.#batch;
  }

  /** Numbers that train. */
  get trainableParameters(): number {
    return this.state.count;
  }

  /**
   * Trains, one step an iteration. When a step is handed out, the parameters are as it left them:
   * the model can be used, evaluated or saved in the loop.
   * @throws TransformerError ABORTED, INPUT_INVALID, TRAINING_DIVERGED
   */
  async *steps(
    batches: Batches,
    options: StepsOptions = {},
  ): AsyncGenerator<TrainingStep, void, undefined> {
    const { signal, maxSteps } = checkStepsOptions(options);
    this.#expectUsable();
    this.#expectIdle();
    const reader = this.#reader?.reads(batches) === true ? this.#reader : new BatchReader(batches);
    this.#reader = reader;
    const release = this.options.adapter?.use(this.model);
    this.#running = true;
    let ahead: Promise<Ahead | undefined> = Promise.resolve(undefined);
    try {
      throwIfAborted(signal);
      await this.#allocated;
      this.#update ??= this.#own(await this.state.updatePlan());
      const update = this.#update;
      let before = performance.now();
      if (this.#step < maxSteps) ahead = this.#compute(reader);
      for (;;) {
        this.#expectUsable();
        const current = await ahead;
        if (current === undefined) return;
        throwIfAborted(signal);
        const { batches: used, labels, tokens, sums } = current;
        const learningRate = learningRateOf(this.options.schedule, this.#step + 1);
        const updated = update.play(learningRate, this.options.maxGradNorm);
        this.#step += 1;
        this.#batch += used.length;
        ahead = this.#step < maxSteps ? this.#compute(reader) : Promise.resolve(undefined);
        ahead.catch(() => {}); // told when its turn comes
        const [status, ...losses] = await Promise.all([updated, ...sums]);
        const loss = losses.reduce((sum, value) => sum + value, 0) / labels;
        const now = performance.now();
        const tokensPerSecond = (1000 * tokens) / (now - before);
        const { gradNorm, applied, skipped: skippedSteps } = status;
        const step = this.#step;
        const skipped = !applied;
        yield { step, loss, tokensPerSecond, learningRate, gradNorm, skipped, skippedSteps };
        expectFinite(status, this.options.maxSkippedSteps);
        before = now;
      }
    } finally {
      const unused = await ahead.catch(() => undefined);
      if (unused !== undefined) reader.unread(unused.batches);
      await Promise.allSettled(unused?.sums ?? []);
      this.#running = false;
      release?.();
    }
  }

  /** Mean cross entropy, without smoothing and dropout, over batches with labels. */
  async evaluate(
    batches: Iterable<ModelInputs> | AsyncIterable<ModelInputs>,
    options: { signal?: AbortSignal } = {},
  ): Promise<Evaluation> {
    refuseUnknown(options, ['signal'], 'option of evaluate');
    this.#expectUsable();
    this.#evaluator ??= new Evaluator(this.model, this.state, this.options);
    return this.#evaluator.evaluate(batches, options.signal);
  }

  /**
   * Writes the state of the run (training_state.safetensors), then the model (config.json,
   * generation_config.json, model.safetensors) to a folder, as they stand when it is called. With an
   * adapter, its files take the place of the model's. Each file is written whole or stays as it was; the
   * first is enough to go on from, see `completeRun`.
   * @throws TransformerError FILE_UNWRITABLE
   */
  async save(target: string | URL | Target, options: SaveModelOptions = {}): Promise<void> {
    this.#expectUsable();
    const step = this.#step;
    await saveRun(this, target, options, () => (this.#savedStep = step));
  }

  /** The step of the state that was saved last; undefined before. It counts even if a later file failed. */
  get savedStep(): number | undefined {
    return this.#savedStep;
  }

  /** Writes the model alone. */
  async saveModel(target: string | URL | Target, options: SaveModelOptions = {}): Promise<void> {
    this.#expectUsable();
    await saveModel(this, target, options);
  }

  /**
   * Takes up the run that `save` wrote to a folder: parameters, optimizer, step. On one device it goes
   * on bit for bit, given batches by number or an iterable that begins at batch `batchesUsed`.
   * @throws TransformerError FILE_*, TENSOR_MISSING, TENSOR_MISMATCH, OPTION_INVALID
   */
  async restore(source: string | URL | Source): Promise<void> {
    this.#expectUsable();
    this.#expectIdle();
    await restoreState(this, openSource(source));
    this.#savedStep = this.#step;
  }

  /** Sets how many steps are done, when a run is taken up again. */
  resumeAt(step: number, batch: number): void {
    this.#step = step;
    this.#batch = batch;
    this.#reader = undefined;
  }

  /** Frees all GPU memory of the trainer. The model stays, as trained so far. */
  dispose(): void {
    this.#disposed = true;
    this.#plans.dispose();
    this.#evaluator?.dispose();
    this.#update?.dispose();
    this.#sums?.first.dispose();
    this.#sums?.next.dispose();
    this.state.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Takes a list over that was made meanwhile, unless the trainer has gone. */
  #own<T extends { dispose(): void }>(made: T): T {
    if (this.#disposed) made.dispose();
    this.#expectUsable();
    return made;
  }

  #expectUsable(): void {
    if (!this.#disposed) return;
    throw new TransformerError('DISPOSED', 'This trainer was disposed. Make a new one.');
  }

  #expectIdle(): void {
    if (!this.#running) return;
    throw new TransformerError(
      'INPUT_INVALID',
      'This trainer is in a loop of steps already. End that loop first.',
    );
  }

  /** Submits the gradients of the next step; undefined when there are no more batches. */
  async #compute(reader: BatchReader): Promise<Ahead | undefined> {
    const { accumulate, padToMultipleOf } = this.options;
    const prepared: PreparedInputs[] = [];
    const batches = (): ModelInputs[] => prepared.map(({ inputs }) => inputs);
    try {
      while (prepared.length < accumulate) {
        const inputs = await reader.read(this.#batch + prepared.length);
        if (inputs === undefined) break;
        prepared.push({ inputs, batch: this.model.prepare(inputs, padToMultipleOf) });
      }
      if (prepared.length === 0) return undefined;
      const count = (what: 'labels' | 'tokens'): number =>
        prepared.reduce((sum, { batch }) => sum + batch[what], 0);
      const labels = count('labels');
      const sums: Promise<number>[] = [];
      for (const [part, inputs] of prepared.entries()) {
        sums.push((await this.#submit(inputs, this.#batch + part, labels)).sum);
        if (accumulate > 1) await this.#addGradients(part === 0);
      }
      return { batches: batches(), labels, tokens: count('tokens'), sums };
    } catch (error) {
      // A batch that is wrong in itself is left out; those before it are there for the next loop.
      reader.unread(batches());
      throw error;
    }
  }

  /** Submits the gradients of one batch; resolves when that is done. */
  #submit(
    prepared: PreparedInputs,
    number: number,
    labels: number,
  ): Promise<{ sum: Promise<number> }> {
    const { adapter, objective, dropout, seed } = this.options;
    const create = (): Promise<GradientPlan> =>
      GradientPlan.create(this.model, prepared, {
        scope: this.state.scope,
        objective,
        gradients: this.state.gradients,
        loss: this.state.loss,
        random: dropout ? this.state.random : undefined,
        adapt: adapter?.adapt,
      });
    return new Promise((resolve, reject) => {
      const play = (plan: GradientPlan): Promise<number> => {
        this.state.writeRandom(seed, number);
        const sum = plan.play(prepared, labels);
        sum.catch(() => {}); // whoever waits for the step hears of it
        resolve({ sum });
        return sum;
      };
      this.#plans.share(prepared.batch.key, create, play).catch(reject);
    });
  }

  async #addGradients(first: boolean): Promise<void> {
    this.#sums ??= {
      first: this.#own(await this.state.accumulatePlan(true)),
      next: this.#own(await this.state.accumulatePlan(false)),
    };
    await (first ? this.#sums.first : this.#sums.next).play();
  }
}
