// What a trainer keeps beside the parameters (gradients, optimizer states, counters), and the list that
// updates the parameters: measure the gradients, then one dispatch a segment.

import { TransformerError } from '../runtime/errors.ts';
import type { Gpu } from '../runtime/gpu.ts';
import { mapParts } from '../runtime/parts.ts';
import { Plan } from '../runtime/plan.ts';
import { Recording } from '../runtime/record.ts';
import { Scope } from '../runtime/scope.ts';
import { elements, type Tensor } from '../runtime/tensor.ts';
import { accumulate, measureGradients } from '../shaders/optimizer/gradient-norm.ts';
import { clampInPlace } from '../shaders/elementwise/clamp.ts';
import { watchImportance } from '../shaders/optimizer/importance.ts';
import type { Segment, StepTensors } from '../shaders/optimizer/segment.ts';
import { penalize, type Penalties } from '../shaders/optimizer/penalty.ts';
import { arenaSegments, viewOf } from '../model/weights/parameter-arena.ts';
import type { Parameters } from '../model/weights/parameters.ts';
import type { Optimizer } from './optimizers.ts';
import type { Importance, RankAllocation } from './adapters/rank-allocation.ts';
import { heldRuns, makeStates, runBytes, type StateRun } from './optimizer-states.ts';
import { selectTrainable, type TrainableSettings, type WeightLimit } from './trainable.ts';

export interface UpdateOptions extends TrainableSettings {
  readonly optimizer: Optimizer;
  /** Whether gradients of several batches are summed. */
  readonly accumulate: boolean;
  /** Penalties of what decays; none when absent. */
  readonly penalty?: Penalties | undefined;
  /** Weights that are brought within bounds before what is done to them. */
  readonly limits?: readonly WeightLimit[] | undefined;
  /** How ranks are shared, of adapters that share them. */
  readonly allocation?: RankAllocation | undefined;
}

/** Bytes of what a state keeps for these parameters. */
export function stateBytes(
  parameters: Parameters,
  { optimizer, accumulate: sums, allocation }: UpdateOptions,
): { readonly gradients: number; readonly optimizer: number } {
  const count = parameters.segments.reduce((sum, { shape }) => sum + elements(shape), 0);
  const flags = count;
  const runs = heldRuns(parameters, optimizer);
  const states = runs.reduce((sum, run) => sum + runBytes(run, optimizer), 0);
  return {
    gradients: (sums ? 8 : 4) * count,
    optimizer: states + flags + (allocation ? 8 * count : 0),
  };
}

/** What an update reports. */
export interface UpdateStatus {
  /** Norm of all gradients before clipping; Infinity when the update was skipped. */
  readonly gradNorm: number;
  readonly applied: boolean;
  /** Updates applied, skipped, and skipped one after the other. */
  readonly updates: number;
  readonly skipped: number;
  readonly skippedInRow: number;
}

export class UpdateState {
  readonly scope: Scope;
  readonly parameters: Parameters;
  /** Elements that train: fewer once some are pruned. */
  count: number;
  /** Where the gradient of each parameter that trains goes. */
  readonly gradients: ReadonlyMap<Tensor, Tensor>;
  /** What the optimizer keeps. */
  readonly runs: readonly StateRun[];
  /** For each segment, a byte an element: whether it trains and decays, see trainable.ts. */
  readonly flags: readonly Tensor[];
  readonly counters: Tensor;
  /** f32 (1): the loss of the last batch, which must be finite too. */
  readonly loss: Tensor;
  /** f32 (1): the loss of a batch that is only evaluated. */
  readonly evaluationLoss: Tensor;
  /** u32 (2): seed and number of the batch, for dropout. */
  readonly random: Tensor;
  /** How important parameters are, where ranks are shared by that. */
  readonly importance: Importance | undefined;
  readonly #gradientSegments: readonly Tensor[];
  readonly #totals: readonly Tensor[];
  readonly #options: UpdateOptions;

  constructor(gpu: Gpu, parameters: Parameters, options: UpdateOptions) {
    const { wanted, flags, count } = selectTrainable(parameters, options);
    const scope = new Scope(gpu);
    this.scope = scope;
    this.parameters = parameters;
    this.count = count;
    this.#options = options;
    const sizes = parameters.segments.map((segment) => elements(segment.shape));
    this.#gradientSegments = arenaSegments(scope, 'gradients', sizes);
    this.#totals = options.accumulate ? arenaSegments(scope, 'gradient sums', sizes) : [];
    const { optimizer } = options;
    this.runs = heldRuns(parameters, optimizer).map((run) => makeStates(scope, run, optimizer));
    this.flags = flags.map((bytes, index) => {
      const shape = [bytes.length / 4];
      const tensor = scope.tensor({ label: `flags ${index}`, shape, dtype: 'u32' });
      if (tensor.buffer !== undefined) gpu.device.queue.writeBuffer(tensor.buffer, 0, bytes);
      return tensor;
    });
    this.counters = scope.tensor({ label: 'counters', shape: [4], dtype: 'u32' });
    this.loss = scope.tensor({ label: 'loss', shape: [1], dtype: 'f32' });
    this.evaluationLoss = scope.tensor({ label: 'evaluation', shape: [1], dtype: 'f32' });
    this.random = scope.tensor({ label: 'random', shape: [2], dtype: 'u32' });
    this.importance = options.allocation && {
      sensitivity: arenaSegments(scope, 'sensitivity', sizes),
      uncertainty: arenaSegments(scope, 'uncertainty', sizes),
    };
    const viewFor = viewsOf(parameters, this.#gradientSegments);
    this.gradients = new Map(wanted.map((tensor) => [tensor, mapParts(tensor, viewFor)]));
  }

  /** Makes the state; `done` rejects with OUT_OF_MEMORY when the device has no room for it. */
  static allocate(
    gpu: Gpu,
    parameters: Parameters,
    options: UpdateOptions,
  ): { readonly result: UpdateState; readonly done: Promise<void> } {
    // What is written to buffers that are not there is refused, too.
    gpu.device.pushErrorScope('validation');
    let result: UpdateState;
    try {
      result = new UpdateState(gpu, parameters, options);
    } finally {
      gpu.device.popErrorScope().catch(() => {});
    }
    const done = result.scope.ready({
      what: 'Gradients and optimizer states need',
      next: "Train adapters (Lora) instead, or use an optimizer that keeps less: adamW({ state: '8bit' }), sgd().",
    });
    return { result, done };
  }

  /** The list that adds the gradients of a batch to their sums, or begins new sums with them. */
  async accumulatePlan(first: boolean): Promise<Plan> {
    return this.#plan((recording) => {
      this.#totals.forEach((sums, index) => {
        const gradients = this.#gradientSegments[index];
        if (gradients === undefined) return;
        accumulate(recording.use(sums), recording.use(gradients), first);
      });
      return [];
    });
  }

  /** The list of an update. */
  async updatePlan(): Promise<UpdatePlan> {
    const { optimizer, penalty, allocation, limits = [] } = this.#options;
    let tensors: StepInputs | undefined;
    const plan = await this.#plan((recording) => {
      const settings = recording.persistent('settings', [4]);
      const status = recording.persistent('status', [4]);
      const counters = recording.use(this.counters);
      const segments = this.parameters.segments.map((parameters, index) => {
        const used = (tensor: Tensor | undefined): Tensor => {
          if (tensor === undefined) throw new RangeError(`segment ${index} is incomplete`);
          return recording.use(tensor);
        };
        return {
          parameters: used(parameters),
          gradients: used(this.#totals[index] ?? this.#gradientSegments[index]),
          flags: used(this.flags[index]),
          states: [],
        };
      });
      // The pass had them so; frozen ones stay as they are.
      for (const { weight, limit } of limits) {
        if (this.gradients.has(weight)) clampInPlace(recording.use(weight), limit);
      }
      if (penalty !== undefined) for (const segment of segments) penalize(segment, penalty);
      const summed = this.#totals.length > 0 ? this.#totals : this.#gradientSegments;
      const gradientOf = viewsOf(this.parameters, summed);
      allocation?.regularize((parameter) => recording.use(gradientOf(parameter)));
      const loss = recording.use(this.loss);
      measureGradients(segments, { settings, loss, counters, status });
      for (const { segment: index, states, ...run } of this.runs) {
        const segment = segments[index];
        if (segment === undefined) throw new RangeError(`there is no segment ${index}`);
        const own = { ...segment, run, states: states.map((state) => recording.use(state)) };
        optimizer.record(own, { settings, status });
      }
      if (allocation) this.#watch(segments, { settings, status, ...allocation.options });
      tensors = { settings, status, counters };
      return [status, counters];
    });
    if (tensors === undefined) throw new RangeError('the update was not recorded');
    return new UpdatePlan(plan, tensors.settings);
  }

  /** Smooths how important parameters are by the update. */
  #watch(segments: readonly Segment[], step: StepTensors & { beta1: number; beta2: number }): void {
    segments.forEach((segment, index) => {
      const [sensitivity, uncertainty] = [
        this.importance?.sensitivity[index],
        this.importance?.uncertainty[index],
      ];
      if (sensitivity === undefined || uncertainty === undefined) return;
      const { recording } = segment.parameters;
      const kept = {
        sensitivity: recording.use(sensitivity),
        uncertainty: recording.use(uncertainty),
      };
      watchImportance({ ...segment, ...kept }, step);
    });
  }

  /** Sets what dropout draws from; takes its place in the queue. */
  writeRandom(seed: number, batch: number): void {
    const { buffer, offset } = this.random;
    if (buffer === undefined) return;
    this.scope.assertUsable();
    this.scope.gpu.device.queue.writeBuffer(buffer, offset, Uint32Array.of(seed, batch));
  }

  dispose(): void {
    this.scope.dispose();
  }

  async #plan(record: (recording: Recording) => readonly Tensor[]): Promise<Plan> {
    const recording = new Recording(this.scope);
    try {
      return await Plan.create(recording, record(recording));
    } catch (error) {
      recording.dispose();
      throw error;
    }
  }
}

/** What finds the part of segments, laid out as the parameters are, that belongs to a parameter. */
function viewsOf(
  { places }: Parameters,
  segments: readonly Tensor[],
): (parameter: Tensor) => Tensor {
  const placeOf = new Map(places.map((place) => [place.tensor, place]));
  return (parameter) => {
    const { segment = -1, first = 0 } = placeOf.get(parameter) ?? {};
    const whole = segments[segment];
    if (whole === undefined) throw new RangeError(`${parameter.label} has no place`);
    const { label, shape } = parameter;
    return viewOf(whole, first, { label: `d ${label}`, shape });
  };
}

/** Ends a run in which nothing but skipped steps comes any more. */
export function expectFinite({ skippedInRow }: UpdateStatus, most: number): void {
  if (skippedInRow < most) return;
  throw new TransformerError(
    'TRAINING_DIVERGED',
    `The loss or a gradient was not finite in ${skippedInRow} steps one after the other, which ` +
      'were skipped. Lower the learning rate, clip gradients with maxGradNorm, or look at the data.',
  );
}

interface StepInputs {
  readonly settings: Tensor;
  readonly status: Tensor;
  readonly counters: Tensor;
}

export class UpdatePlan {
  readonly #plan: Plan;
  readonly #settings: Tensor;

  constructor(plan: Plan, settings: Tensor) {
    this.#plan = plan;
    this.#settings = settings;
  }

  /**
   * Updates the parameters by the gradients that stand. `maxGradNorm` 0 does not clip. `watches`: whether the
   * importance of parameters is smoothed, where it is kept.
   */
  async play(
    learningRate: number,
    maxGradNorm: number,
    watches: boolean = false,
  ): Promise<UpdateStatus> {
    this.#plan.write(
      this.#settings,
      Float32Array.of(learningRate, maxGradNorm, Number(watches), 0),
    );
    const [status, counters] = await this.#plan.play();
    const [gradNorm = 0, , applied = 0] = new Float32Array(status ?? new ArrayBuffer(16));
    const [updates = 0, skipped = 0, skippedInRow = 0] = new Uint32Array(
      counters ?? new ArrayBuffer(16),
    );
    return { gradNorm, applied: applied === 1, updates, skipped, skippedInRow };
  }

  dispose(): void {
    this.#plan.dispose();
  }
}
