// Knowledge distillation: a model learns from another one's distribution, not from the labels alone
// (Hinton, Vinyals and Dean 2015, "Distilling the Knowledge in a Neural Network", arXiv 1503.02531).

import { refuseUnknown, TransformerError } from '../runtime/errors.ts';
import { distillationLoss } from '../shaders/loss/distillation-loss.ts';
import type { Model } from '../model/model.ts';
import { checkRange, invalidOption, trainableOf } from './check.ts';
import './trainable-models.ts';
import { classesOf, type Objective } from './objective.ts';

/** Settings of distillation. */
export interface DistillationOptions {
  /** T of both softmaxes, 2 by default: the higher, the more the small probabilities count. */
  temperature?: number;
  /** Part of the loss that comes from the teacher, 0.5 by default; the labels have the rest. */
  weight?: number;
  /** Part of the labels' target that is spread over all tokens; 0 by default. */
  labelSmoothing?: number;
}

/**
 * An objective for a `Trainer`: for each label that counts, weight · T² · KL(teacher ‖ student), both
 * softened by the temperature T, plus (1 - weight) · cross entropy (arXiv 1503.02531, §2).
 *
 * The teacher reads the same batches in the same list, without dropout, and stays as it is. It may be
 * stored in any format; it must be on the student's device and have its vocabulary and token ids.
 * Dispose of it after the trainer.
 * @throws TransformerError OPTION_UNKNOWN, OPTION_INVALID, MODEL_UNSUPPORTED; when a batch is recorded,
 *   OPTION_INVALID for a teacher that does not fit the student
 */
export function distillation(teacher: Model, options: DistillationOptions = {}): Objective {
  refuseUnknown(options, ['temperature', 'weight', 'labelSmoothing'], 'option of distillation');
  const { temperature = 2, weight = 0.5, labelSmoothing: smoothing = 0 } = options;
  // Beyond these, 1 / T or T² leaves what f32 can tell apart from 0.
  checkWithin('temperature', temperature, 0.01, 1000);
  checkWithin('weight', weight, 0, 1);
  checkRange('labelSmoothing', smoothing, 0, 1);
  trainableOf('The teacher', teacher).expectLoss();
  return {
    name: 'distillation',
    ready: async () => teacher.ready?.(),
    record(recording, { from }, { inputs, padToMultipleOf }) {
      const { logits, labels } = classesOf(from, 'Distillation');
      const model = teacher.trainable();
      if (model.gpu !== recording.gpu) {
        throw new TransformerError(
          'OPTION_INVALID',
          'The teacher is on another device than the student. Load both with the same gpu.',
        );
      }
      const batch = model.prepare(inputs, padToMultipleOf);
      const graph = recording.frozen(() => model.record(recording, batch));
      const taught = classesOf(graph.from, 'Distillation');
      if (taught.logits.size(-1) !== logits.size(-1)) {
        throw new TransformerError(
          'OPTION_INVALID',
          `The teacher has a vocabulary of ${taught.logits.size(-1)} tokens, the student of ` +
            `${logits.size(-1)}. Use a teacher with the student's tokenizer.`,
        );
      }
      if (taught.labels.shape.join() !== labels.shape.join()) {
        throw new TransformerError(
          'OPTION_INVALID',
          `The teacher pads these targets to ${taught.labels.size(-1)} tokens, the student to ` +
            `${labels.size(-1)}: they differ in how many positions they have, and ` +
            `padToMultipleOf ${padToMultipleOf} goes past one of them. Lower padToMultipleOf.`,
        );
      }
      const losses = distillationLoss(logits, {
        teacher: taught.logits,
        label: labels,
        temperature,
        weight,
        smoothing,
      });
      return {
        losses,
        write: (plan, batchInputs) =>
          graph.write(plan, model.prepare(batchInputs, padToMultipleOf)),
      };
    },
  };
}

function checkWithin(name: string, value: number, least: number, most: number): void {
  if (typeof value === 'number' && value >= least && value <= most) return;
  throw invalidOption(name, value, `a number from ${least} to ${most}`);
}
