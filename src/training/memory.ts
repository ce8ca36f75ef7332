// What a training step takes of a GPU's memory, before it takes any.

import { fieldsOf } from '../runtime/errors.ts';
import { transientBytes } from '../runtime/memory-plan.ts';
import { Scope } from '../runtime/scope.ts';
import type { Tensor } from '../runtime/tensor.ts';
import type { Model, ModelInputs } from '../model/model.ts';
import type { TrainableModel } from '../model/trainable-model.ts';
import { trainableOf } from './check.ts';
import { recordGradients } from './gradient-plan.ts';
import { prepareBatch, unusedBy } from './objective.ts';
import { selectTrainable } from './trainable.ts';
import './trainable-models.ts';
import { trainableParameters } from './trainable-parts.ts';
import { type CheckedOptions, checkOptions, type TrainerOptions } from './trainer-options.ts';
import { stateBytes } from './update-plan.ts';

/** Bytes of GPU memory. */
export interface TrainingMemory {
  /** Of the model, and of adapters; they are held already. */
  readonly weights: number;
  /** Of all that trains, and their sums where several batches make a step. */
  readonly gradients: number;
  /** What the optimizer keeps beside the parameters. */
  readonly optimizer: number;
  /** Results of a step over a batch like this one. Batches of other lengths and sizes have memory of their own. */
  readonly activations: number;
  /** All of these. */
  readonly total: number;
}

/**
 * What a `Trainer` of these options takes for a step over batches like this one: as it will allocate it, but for inputs and
 * the scalars of kernels, some hundred kilobytes. Nothing of it is allocated.
 * @throws TransformerError as the trainer would: OPTION_*, INPUT_INVALID, MODEL_UNSUPPORTED
 * @example
 * const { activations, total } = trainingMemory(model, { learningRate: 1e-4, checkpointLayers: true }, batch);
 */
export function trainingMemory(
  model: Model,
  options: TrainerOptions,
  batch: ModelInputs,
): TrainingMemory {
  const checked = checkOptions(options);
  fieldsOf(batch, 'The batch');
  const trainable = trainableOf('The model', model);
  const parameters = checked.adapter?.parameters ?? trainableParameters(trainable);
  const weights = bytesHeld([...trainable.weights, ...parameters.segments]);
  const { gradients, optimizer } = stateBytes(parameters, {
    ...checked,
    accumulate: checked.accumulate > 1,
  });
  const unused = unusedBy(checked.objective, trainable);
  const trains = selectTrainable(parameters, { ...checked, unused }).wanted;
  const activations = activationBytes(trainable, trains, checked, batch);
  const total = weights + gradients + optimizer + activations;
  return { weights, gradients, optimizer, activations, total };
}

/** The buffers behind tensors, each once. */
function bytesHeld(tensors: readonly Tensor[]): number {
  const parts = tensors.flatMap((tensor) => tensor.parts ?? [tensor]);
  const buffers = new Set(parts.map(({ buffer }) => buffer));
  return [...buffers].reduce((sum, buffer) => sum + (buffer?.size ?? 0), 0);
}

function activationBytes(
  model: TrainableModel,
  trains: readonly Tensor[],
  options: CheckedOptions,
  inputs: ModelInputs,
): number {
  const {
    adapter,
    objective,
    dropout,
    checkpointLayers,
    activations,
    adversarial,
    padToMultipleOf,
  } = options;
  const scope = new Scope(model.gpu);
  try {
    const batch = prepareBatch(model, objective, inputs, padToMultipleOf);
    const random = scope.tensor({ label: 'random', shape: [2], dtype: 'u32' });
    const loss = scope.tensor({ label: 'loss', shape: [1], dtype: 'f32' });
    const { recording, outputs } = recordGradients(
      model,
      { batch, inputs },
      {
        scope,
        objective,
        // The list is never played, so its gradients may lie where the parameters do.
        gradients: new Map(trains.map((parameter) => [parameter, parameter])),
        loss,
        random: dropout ? random : undefined,
        adapt: adapter?.adapt,
        checkpointLayers,
        activations,
        adversarial,
      },
    );
    return transientBytes(recording, outputs);
  } finally {
    scope.dispose();
  }
}
