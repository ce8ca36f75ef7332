// The list that computes the gradients of one batch, recorded for a batch size and padded lengths.

import type { Need } from '../runtime/allocate.ts';
import { gradients } from '../runtime/gradient.ts';
import { Plan } from '../runtime/plan.ts';
import { Recording } from '../runtime/record.ts';
import type { Scope } from '../runtime/scope.ts';
import { elements, type Tensor } from '../runtime/tensor.ts';
import { add } from '../shaders/elementwise/add.ts';
import { total } from '../shaders/matmul/columns/column-sum.ts';
import { gradientRules } from '../shaders/gradients.ts';
import type { ModelInputs } from '../model/model.ts';
import type {
  Adapt,
  TrainableModel,
  TrainingBatch,
  TrainingGraph,
} from '../model/trainable-model.ts';
import { type CheckedAttack, recordAttack } from './adversarial.ts';
import { keepInHalves } from './kept-halves.ts';
import type { Objective, RecordedObjective } from './objective.ts';

/** A batch as the caller gave it, and as the model prepared it. */
export interface PreparedInputs {
  readonly inputs: ModelInputs;
  readonly batch: TrainingBatch;
}

export interface GradientPlanOptions {
  /** The list ends with it. */
  readonly scope: Scope;
  readonly objective: Objective;
  /** Where the gradient of each parameter that trains goes; empty to compute the loss alone. */
  readonly gradients: ReadonlyMap<Tensor, Tensor>;
  /** f32 (1): where the sum of the losses goes. */
  readonly loss: Tensor;
  /** u32 (2): seed and step of dropout; none when absent. */
  readonly random?: Tensor | undefined;
  readonly adapt?: (() => Adapt) | undefined;
  /** Has what trains meet inputs that are made harder; none when absent. */
  readonly adversarial?: CheckedAttack | undefined;
  /** Whether layers are computed once more on the way back; off when absent. */
  readonly checkpointLayers?: boolean;
  /** In what results stay until the way back; f32 when absent. */
  readonly activations?: 'f32' | 'f16';
}

/** The list of a batch, before it has memory. */
export interface RecordedGradients {
  readonly recording: Recording;
  readonly graph: TrainingGraph;
  readonly objective: RecordedObjective;
  /** f32, the gradient of each loss. */
  readonly scale: Tensor;
  /** What the balance of experts counts. */
  readonly share: Tensor | undefined;
  /** What comes back: the sum, and the balance where there is one. */
  readonly outputs: readonly Tensor[];
}

/** The forward pass of a batch and its losses. */
interface RecordedPass {
  readonly graph: TrainingGraph;
  readonly objective: RecordedObjective;
  readonly losses: Tensor;
}

/** All passes of an attack as one: the last counts, and with `fgm` the first beside it (Miyato et al., §3). */
function attackedPass(
  recording: Recording,
  pass: () => RecordedPass,
  attack: CheckedAttack,
): RecordedPass {
  let ones: Tensor | undefined;
  const evenly = ({ shape }: Tensor): Tensor =>
    (ones ??= recording.persistent('ones', [elements(shape)]));
  const passes = recordAttack(recording, pass, evenly, attack);
  const [first] = passes;
  const { graph, objective, losses } = passes.at(-1) ?? first;
  const counted = attack.method === 'fgm' ? add(first.losses, losses) : losses;
  return {
    losses: counted,
    graph: {
      ...graph,
      write: (plan, batch) => passes.forEach((each) => each.graph.write(plan, batch)),
    },
    objective: {
      ...objective,
      losses: counted,
      write(plan, inputs) {
        passes.forEach((each) => each.objective.write?.(plan, inputs));
        if (ones) plan.write(ones, new Float32Array(elements(ones.shape)).fill(1));
      },
    },
  };
}

/** Records the list. The caller disposes of its recording. */
export function recordGradients(
  model: TrainableModel,
  { batch, inputs }: PreparedInputs,
  options: GradientPlanOptions,
): RecordedGradients {
  const { scope, objective: wanted, gradients: places, random, adapt } = options;
  const { checkpointLayers: recompute = false } = options;
  const training = places.size > 0;
  const recording = new Recording(scope, { training, recompute, ...(random && { random }) });
  try {
    const pass = (): RecordedPass => {
      const graph = model.record(recording, batch, adapt?.());
      const objective = wanted.record(recording, graph, {
        model,
        isAdapted: adapt !== undefined,
        inputs,
        padToMultipleOf: batch.padToMultipleOf,
      });
      return { graph, objective, losses: objective.losses };
    };
    const attack = training ? options.adversarial : undefined;
    const { graph, objective, losses } =
      attack === undefined ? pass() : attackedPass(recording, pass, attack);
    const sum = total(losses, 'sum of losses');
    recording.place(sum, options.loss);
    const scale = recording.persistent('loss scale', [elements(losses.shape)]);
    const { balance } = graph;
    const outputs = balance ? [sum, balance] : [sum];
    const share = balance && recording.persistent('share of the balance', [1]);
    if (training) {
      const seeds = new Map([[losses, scale]]);
      if (balance && share) seeds.set(balance, share);
      const forward = recording.dispatches.length;
      const found = gradients(recording, seeds, [...places.keys()], gradientRules);
      for (const [parameter, gradient] of found) {
        const place = places.get(parameter);
        if (place !== undefined) recording.place(gradient, place);
      }
      if (options.activations === 'f16') keepInHalves(recording, forward, outputs);
    }
    return { recording, graph, objective, scale, share, outputs };
  } catch (error) {
    recording.dispose();
    throw error;
  }
}

/** What helps where a device has no room for a step. */
function needOf({ checkpointLayers = false, activations, adapt }: GradientPlanOptions): Need {
  const ways = [
    ...(checkpointLayers ? [] : ['pass checkpointLayers: true to the trainer']),
    ...(activations === 'f16' ? [] : ["pass activations: 'f16' to it"]),
    'use shorter sequences or a smaller batch, with accumulate for as many in a step',
    ...(adapt === undefined ? ['train adapters (Lora)'] : ['hold the weights as int4 or int8']),
  ];
  return {
    what: 'The results of a training step need',
    next: `To use less: ${ways.join('; ')}. trainingMemory tells what a step takes.`,
  };
}

export class GradientPlan {
  readonly #plan: Plan;
  readonly #recorded: RecordedGradients;

  private constructor(plan: Plan, recorded: RecordedGradients) {
    this.#plan = plan;
    this.#recorded = recorded;
  }

  static async create(
    model: TrainableModel,
    prepared: PreparedInputs,
    options: GradientPlanOptions,
  ): Promise<GradientPlan> {
    const recorded = recordGradients(model, prepared, options);
    const { recording, outputs } = recorded;
    try {
      return new GradientPlan(await Plan.create(recording, outputs, needOf(options)), recorded);
    } catch (error) {
      recording.dispose();
      throw error;
    }
  }

  /**
   * Computes the gradients of Σ loss / labels, where `labels` may count those of other batches too. What comes to
   * the mean of this batch's losses counts by its part of them. Resolves with the sum of the losses.
   */
  async play({ batch, inputs }: PreparedInputs, labels: number): Promise<number> {
    const plan = this.#plan;
    const { graph, objective, scale, share } = this.#recorded;
    graph.write(plan, batch);
    objective.write?.(plan, inputs);
    plan.write(scale, new Float32Array(scale.size(0)).fill(1 / labels));
    if (share) plan.write(share, Float32Array.of(batch.labels / labels));
    const [sum = 0, balance = 0] = (await plan.play()).map((bytes) => new Float32Array(bytes)[0]);
    return sum + balance * batch.labels;
  }

  dispose(): void {
    this.#plan.dispose();
  }
}
