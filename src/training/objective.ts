// What a trainer minimizes: by default the cross entropy of the labels.

import { TransformerError } from '../runtime/errors.ts';
import type { Plan } from '../runtime/plan.ts';
import type { Recording } from '../runtime/record.ts';
import type { Tensor } from '../runtime/tensor.ts';
import { crossEntropy } from '../shaders/loss/cross-entropy.ts';
import type { ModelInputs } from '../model/model.ts';
import type { Classified, TrainingGraph } from '../model/trainable-model.ts';
import { checkRange } from './check.ts';

/** What an objective appended, for the trainer. */
export interface RecordedObjective {
  /** One value a row of the logits, 0 for rows that do not count. @internal */
  readonly losses: Tensor;
  /** Writes what the objective itself needs of a batch. @internal */
  readonly write?: (plan: Plan, inputs: ModelInputs) => void;
}

/** Appends a loss to a recorded forward pass. Its mean over the labels that count is minimized. */
export interface Objective {
  readonly name: string;
  /** Waits until what it needs is on the device in use, where a lost one comes back. @internal */
  ready?(): Promise<void>;
  /** `padToMultipleOf`: what the lengths of the graph were padded to multiples of. @internal */
  record(
    recording: Recording,
    graph: TrainingGraph,
    inputs: ModelInputs,
    padToMultipleOf: number,
  ): RecordedObjective;
}

/**
 * Cross entropy, with label smoothing of `smoothing` ("Attention Is All You Need", §5.4; Szegedy et
 * al. 2016, §7).
 */
export function labelCrossEntropy(smoothing: number): Objective {
  checkRange('smoothing', smoothing, 0, 1);
  return {
    name: 'labelCrossEntropy',
    record(_recording, { from }) {
      if ('losses' in from && smoothing === 0) return from;
      const { logits, labels } = classesOf(from, 'labelSmoothing');
      return { losses: crossEntropy(logits, labels, smoothing) };
    },
  };
}

/** Logits and their classes. @throws TransformerError MODEL_UNSUPPORTED for models with a loss of their own */
export function classesOf(from: TrainingGraph['from'], what: string): Classified {
  if ('logits' in from) return from;
  throw new TransformerError(
    'MODEL_UNSUPPORTED',
    `${what} is for labels that are classes; this model has a loss of its own. Leave it out.`,
  );
}
