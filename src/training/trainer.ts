// Training: batches in, better parameters out. A step is two replayed lists: the gradients of a batch, and the update.

import { refuseUnknown, throwIfAborted } from '../runtime/errors.ts';
import type { Gpu } from '../runtime/gpu.ts';
import type { Model, ModelInputs } from '../model/model.ts';
import type { TrainableModel } from '../model/trainable-model.ts';
import { openSource } from '../source/open-source.ts';
import type { Source } from '../source/source.ts';
import type { Target } from '../source/target.ts';
import { BatchReader, type Batches } from './batches.ts';
import { busyTrainer, checkWhole, disposedTrainer, trainableOf } from './check.ts';
import {
  restoreState,
  saveModel,
  type SaveModelOptions,
  saveRun,
  stateSource,
} from './checkpoint.ts';
import { Evaluator } from './evaluator.ts';
import { type Ahead, GradientLists } from './gradient-lists.ts';
import { unusedBy } from './objective.ts';
import { limitsOf } from './trainable.ts';
import { trainableParameters } from './trainable-parts.ts';
import './trainable-models.ts';
import {
  type CheckedOptions,
  checkOptions,
  checkStepsOptions,
  learningRateOf,
  renewAdapter,
  type TrainerOptions,
} from './trainer-options.ts';
import type { Evaluation, StepsOptions, TrainingStep } from './training-step.ts';
import { expectFinite, type UpdatePlan, UpdateState } from './update-plan.ts';

/** Trains a model, or an adapter beside it. While the caller looks at a step, the next one's gradients are computed. */
export class Trainer {
  /** The device that it trains on. */
  readonly gpu: Gpu;
  /** @internal */
  model: TrainableModel;
  /** The settings, with those that were left out. */
  readonly options: CheckedOptions;
  /** @internal */
  state: UpdateState;
  readonly #given: Model;
  /** Rejects when the device had no room for the state. */
  #allocated: Promise<void>;
  /** Where the state was saved to, or restored from, last; kept where the device may come back. */
  #kept: Source | undefined;
  /** Whether what was saved last is still to be read after a loss. */
  #isBehind = false;
  #step = 0;
  #batch = 0;
  #savedStep: number | undefined;
  readonly #changes = new Set<() => Promise<void>>();
  #running = false;
  #disposed = false;
  #reader: BatchReader | undefined;
  #update: UpdatePlan | undefined;
  #gradients: GradientLists;
  #evaluator: Evaluator | undefined;

  /**
   * Prepares a model that was loaded with `training: true`, or the adapters of one that was not.
   * @throws TransformerError OPTION_UNKNOWN, OPTION_INVALID, MODEL_UNSUPPORTED
   */
  constructor(model: Model, options: TrainerOptions) {
    this.options = checkOptions(options);
    this.model = trainableOf('The model', model);
    this.gpu = model.gpu;
    this.#given = model;
    [this.state, this.#allocated] = this.#begin();
    this.#gradients = new GradientLists(this.model, this.state, this.options);
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
    this.#expectIdle();
    this.#running = true;
    let ahead: Promise<Ahead | undefined> = Promise.resolve(undefined);
    let release: (() => void) | undefined;
    try {
      await this.#recover();
      const known = this.#reader?.reads(batches) === true ? this.#reader : undefined;
      const reader = (this.#reader = known ?? new BatchReader(batches));
      release = this.options.adapter?.use(this.model);
      throwIfAborted(signal);
      await this.#allocated;
      const update = (this.#update ??= this.#own(await this.state.updatePlan()));
      let before = performance.now();
      if (this.#step < maxSteps) ahead = this.#gradients.compute(reader, this.#batch);
      for (;;) {
        this.expectUsable();
        const current = await ahead;
        if (current === undefined) return;
        throwIfAborted(signal);
        const { batches: used, labels, tokens, sums } = current;
        const learningRate = learningRateOf(this.options.schedule, this.#step + 1);
        const { maxGradNorm, allocation, pruning } = this.options;
        const updated = update.play(learningRate, maxGradNorm, allocation?.counts(this.#step + 1));
        updated.catch(() => {}); // told below
        this.#step += 1;
        this.#batch += used.length;
        // Ranks and weights that go do so before the next gradients are computed.
        await allocation?.after(this.#step, this.state);
        await pruning?.after(this.#step, this);
        ahead = Promise.resolve(undefined);
        if (this.#step < maxSteps) ahead = this.#gradients.compute(reader, this.#batch);
        ahead.catch(() => {}); // told when its turn comes
        const [status, ...losses] = await Promise.all([updated, ...sums]);
        const loss = losses.reduce((sum, value) => sum + value, 0) / labels;
        const now = performance.now();
        const tokensPerSecond = (1000 * tokens) / (now - before);
        const { gradNorm, applied, skipped: skippedSteps } = status;
        const [step, skipped] = [this.#step, !applied];
        yield { step, loss, tokensPerSecond, learningRate, gradNorm, skipped, skippedSteps };
        expectFinite(status, this.options.maxSkippedSteps);
        before = now;
      }
    } finally {
      const unused = await ahead.catch(() => undefined);
      if (unused !== undefined) this.#reader?.unread(unused.batches);
      await Promise.allSettled(unused?.sums ?? []);
      this.#running = false;
      release?.();
    }
  }

  /** Mean cross entropy, without smoothing and dropout; a loss of the model's own or of an objective without labels. */
  async evaluate(
    batches: Iterable<ModelInputs> | AsyncIterable<ModelInputs>,
    options: { signal?: AbortSignal } = {},
  ): Promise<Evaluation> {
    refuseUnknown(options, ['signal'], 'option of evaluate');
    this.expectUsable();
    await this.#recover();
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
    this.expectUsable();
    const begun = this.options.adapter?.ready?.();
    if (begun !== undefined) await begun;
    const step = this.#step;
    await saveRun(this, target, options, (state) => {
      this.#savedStep = step;
      if (this.gpu.recovers) this.#kept = stateSource(state);
    });
  }

  /** The step of the state that was saved last; undefined before. It counts even if a later file failed. */
  get savedStep(): number | undefined {
    return this.#savedStep;
  }

  /** Writes the model alone. */
  async saveModel(target: string | URL | Target, options: SaveModelOptions = {}): Promise<void> {
    this.expectUsable();
    await saveModel(this, target, options);
  }

  /**
   * Takes up the run that `save` wrote to a folder: parameters, optimizer, step. On one device it goes
   * on bit for bit, given batches by number or an iterable that begins at batch `batchesUsed`.
   * @throws TransformerError FILE_*, TENSOR_MISSING, TENSOR_MISMATCH, OPTION_INVALID
   */
  async restore(source: string | URL | Source): Promise<void> {
    this.#expectIdle();
    const opened = openSource(source);
    if (!(await this.#recover(opened))) await this.#restore(opened);
    this.#savedStep = this.#step;
    if (this.gpu.recovers) this.#kept = opened;
  }

  /** Sets how many steps are done, when a run is taken up again. */
  resumeAt(step: number, batch: number): void {
    this.expectUsable();
    this.#step = checkWhole('step', step, 0);
    this.#batch = checkWhole('batch', batch, 0);
    this.#reader = undefined;
  }

  /** Has something be done to every state that is made anew after the loss of a device. @internal */
  whenReloaded(change: () => Promise<void>): void {
    if (this.gpu.recovers) this.#changes.add(change);
  }

  /** Frees all GPU memory of the trainer. The model stays, as trained so far. */
  dispose(): void {
    this.#disposed = true;
    this.#end();
  }

  /** The same, at the end of a block: `using trainer = new Trainer(…)`. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Makes the state of a run that has not begun. */
  #begin(): [UpdateState, Promise<void>] {
    const parameters = this.options.adapter?.parameters ?? trainableParameters(this.model);
    const unused = unusedBy(this.options.objective, this.model);
    const limits = limitsOf(this.model.linears);
    const settings = { ...this.options, accumulate: this.options.accumulate > 1, unused, limits };
    const { result, done } = UpdateState.allocate(this.gpu, parameters, settings);
    done.catch(() => {}); // told by the first step
    return [result, done];
  }

  /** Frees what stands on the GPU. */
  #end(): void {
    this.#gradients.dispose();
    this.#evaluator?.dispose();
    this.#update?.dispose();
    this.state.dispose();
  }

  /** After a lost device came back: model and run as last saved, or at the beginning. Result: whether it was needed. */
  async #recover(source: Source | undefined = this.#kept): Promise<boolean> {
    const { adapter } = this.options;
    const isLost = await this.#isLost();
    if (isLost) renewAdapter(adapter);
    await adapter?.ready?.();
    if (!isLost) return false;
    this.#isBehind = true;
    this.#end();
    [this.#evaluator, this.#update] = [undefined, undefined];
    this.model = this.#given.trainable();
    [this.state, this.#allocated] = this.#begin();
    this.#gradients = new GradientLists(this.model, this.state, this.options);
    this.resumeAt(0, 0);
    if (source !== undefined) await this.#restore(source);
    for (const change of this.#changes) await change();
    this.#isBehind = false;
    return true;
  }

  async #restore(source: Source): Promise<void> {
    await restoreState(this, source);
    await this.options.pruning?.restored(this.#step, this);
  }

  /** Whether what it keeps went with a device that came back, and is to be made anew. */
  async #isLost(): Promise<boolean> {
    if (!this.gpu.recovers) return false;
    await this.#given.ready?.();
    await this.options.objective.ready?.();
    this.expectUsable();
    return !this.state.scope.isCurrent || this.#isBehind;
  }

  /** Takes a list over that was made meanwhile, unless the trainer has gone. */
  #own<T extends { dispose(): void }>(made: T): T {
    if (this.#disposed) made.dispose();
    this.expectUsable();
    return made;
  }

  /** @throws TransformerError DISPOSED @internal */
  expectUsable(): void {
    if (this.#disposed) throw disposedTrainer();
  }

  #expectIdle(): void {
    this.expectUsable();
    if (this.#running) throw busyTrainer();
  }
}
