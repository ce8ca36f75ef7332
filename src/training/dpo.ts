// A model learns which of two texts people prefer: "Direct Preference Optimization: Your Language Model is Secretly a
// Reward Model" (Rafailov et al. 2023, arXiv 2305.18290).

import { refuseUnknown, TransformerError } from '../runtime/errors.ts';
import { elements } from '../runtime/tensor.ts';
import type { Model, ModelInputs } from '../model/model.ts';
import type { TrainableModel } from '../model/trainable-model.ts';
import { preferenceLoss } from '../shaders/loss/preference-loss.ts';
import { checkPositive, checkRange, trainableOf } from './check.ts';
import './trainable-models.ts';
import { classLosses, type Objective, type ObjectiveContext } from './objective.ts';

/** Settings of direct preference optimization. */
export interface DpoOptions {
  /** β, 0.1 by default: how closely the model keeps to the reference. */
  beta?: number;
  /** ε, 0 by default: how often a pair is taken to be the wrong way round (Mitchell 2023). */
  labelSmoothing?: number;
  /**
   * What the model is compared with: by default what it is without the adapters that train. It may be held in any
   * format, on the same device and with the same tokens; dispose of it after the trainer.
   */
  reference?: Model;
}

/**
 * An objective for a `Trainer`: -log σ(β · (log π(chosen) / π_ref(chosen) - log π(rejected) / π_ref(rejected))), the mean
 * over pairs (eq. 7). Batches are those of `preferenceBatch`. The reference reads the same batches in the same list,
 * without dropout, and stays as it is.
 * @throws TransformerError OPTION_UNKNOWN, OPTION_INVALID, MODEL_UNSUPPORTED; when a batch is recorded, OPTION_INVALID
 *   where nothing is there to compare with
 */
export function dpo(options: DpoOptions = {}): Objective {
  refuseUnknown(options, ['beta', 'labelSmoothing', 'reference'], 'option of dpo');
  const { beta = 0.1, labelSmoothing: smoothing = 0, reference } = options;
  checkPositive('beta', beta);
  checkRange('labelSmoothing', smoothing, 0, 0.5);
  if (reference !== undefined) trainableOf('The reference', reference).expectLoss();
  return {
    name: 'dpo',
    count: pairsIn,
    ready: async () => reference?.ready?.(),
    record(recording, { from }, context) {
      const { inputs, padToMultipleOf } = context;
      const model = comparedWith(reference, context);
      const batch = model.prepare(inputs, padToMultipleOf);
      const own = classLosses(from, 'Preference');
      const [graph, others] = recording.frozen(() => {
        const made = model.record(recording, batch);
        return [made, classLosses(made.from, 'Preference')];
      });
      const [size, wanted] = [elements(own.shape), elements(others.shape)];
      if (size !== wanted) {
        throw new TransformerError(
          'OPTION_INVALID',
          `The reference gives ${wanted} tokens for a batch of which the model gives ${size}: they differ in how many ` +
            `positions they have, and padToMultipleOf ${padToMultipleOf} goes past one of them. Lower padToMultipleOf.`,
        );
      }
      const length = size / (2 * pairsIn(inputs));
      const losses = preferenceLoss(own, { reference: others, length, beta, smoothing });
      return {
        losses,
        write: (plan, given) => graph.write(plan, model.prepare(given, padToMultipleOf)),
      };
    },
  };
}

/** What a model that trains is compared with. */
function comparedWith(
  reference: Model | undefined,
  { model, isAdapted }: ObjectiveContext,
): TrainableModel {
  if (reference === undefined) {
    if (isAdapted) return model;
    throw new TransformerError(
      'OPTION_INVALID',
      'Preferences are learned against a model that stays as it is. Train adapters (Lora), or pass a reference.',
    );
  }
  const other = reference.trainable();
  if (other.gpu === model.gpu) return other;
  throw new TransformerError(
    'OPTION_INVALID',
    'The reference is on another device than the model. Load both with the same gpu.',
  );
}

/** Pairs in a batch: chosen texts, then as many rejected ones. @throws TransformerError INPUT_INVALID */
function pairsIn({ labels = [] }: ModelInputs): number {
  if (labels.length > 0 && labels.length % 2 === 0) return labels.length / 2;
  throw new TransformerError(
    'INPUT_INVALID',
    `A batch of ${labels.length} rows is not one of pairs: all chosen texts, then as many rejected ones. Make it with ` +
      'preferenceBatch.',
  );
}
