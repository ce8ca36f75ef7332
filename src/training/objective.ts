// What a trainer minimizes: by default the cross entropy of the labels.

import { TransformerError } from '../runtime/errors.ts';
import type { Plan } from '../runtime/plan.ts';
import type { Recording } from '../runtime/record.ts';
import type { Tensor } from '../runtime/tensor.ts';
import { bytesOf } from '../runtime/dtype.ts';
import { rowsOf } from '../runtime/parts.ts';
import { crossEntropy } from '../shaders/loss/cross-entropy.ts';
import { linearCrossEntropy } from '../shaders/loss/linear-cross-entropy.ts';
import type { ModelInputs } from '../model/model.ts';
import { recordLogits } from '../model/layers/logits.ts';
import type {
  Classified,
  PendingClassified,
  TrainableModel,
  TrainingBatch,
  TrainingGraph,
} from '../model/trainable-model.ts';
import { checkRange } from './check.ts';

/** What an objective appended, for the trainer. */
export interface RecordedObjective {
  /** One value a row of the logits, 0 for rows that do not count; or one for each of what it counts. @internal */
  readonly losses: Tensor;
  /** Writes what the objective itself needs of a batch. @internal */
  readonly write?: (plan: Plan, inputs: ModelInputs) => void;
}

/** What an objective is recorded for. */
export interface ObjectiveContext {
  /** The model as it is without adapters. */
  readonly model: TrainableModel;
  /** Whether adapters train in its place. */
  readonly isAdapted: boolean;
  readonly inputs: ModelInputs;
  /** What the lengths of the graph were padded to multiples of. */
  readonly padToMultipleOf: number;
}

/** Appends a loss to a recorded forward pass. Its mean over the labels that count is minimized. */
export interface Objective {
  /** What messages call it. */
  readonly name: string;
  /** What it reads where that is not the labels of the model's head. @internal */
  readonly reads?: 'states';
  /** What its losses are the mean of, of objectives that count something else than labels. @internal */
  count?(inputs: ModelInputs, batch: TrainingBatch): number;
  /** What batches are evaluated by; itself where it counts something else than labels, else their cross entropy. @internal */
  readonly evaluation?: Objective;
  /** Waits until what it needs is on the device in use, where a lost one comes back. @internal */
  ready?(): Promise<void>;
  /** @internal */
  record(recording: Recording, graph: TrainingGraph, context: ObjectiveContext): RecordedObjective;
}

/** Weights that have no part in an objective. @throws TransformerError MODEL_UNSUPPORTED where a model has no loss */
export function unusedBy({ reads }: Objective, model: TrainableModel): readonly Tensor[] {
  if (reads === 'states') return model.behindStates;
  model.expectLoss();
  return model.sentenceWeights;
}

/** A batch as an objective takes it. @throws TransformerError INPUT_INVALID, MODEL_UNSUPPORTED */
export function prepareBatch(
  model: TrainableModel,
  objective: Objective,
  inputs: ModelInputs,
  multiple: number,
): TrainingBatch {
  const batch = model.prepare(inputs, multiple, objective.reads);
  const labels = objective.count?.(inputs, batch);
  return labels === undefined ? batch : { ...batch, labels };
}

/**
 * Cross entropy, with label smoothing of `smoothing` ("Attention Is All You Need", §5.4; Szegedy et
 * al. 2016, §7). Logits of a model that would take more than 64 MiB are never there as a whole, nor is their gradient:
 * they are computed in pieces of 64 tokens or more, and once more on the way back.
 */
export function labelCrossEntropy(smoothing: number): Objective {
  checkRange('smoothing', smoothing, 0, 1);
  return {
    name: 'labelCrossEntropy',
    record(_recording, { from }) {
      if ('losses' in from && smoothing === 0) return from;
      return { losses: classLosses(from, 'labelSmoothing', smoothing) };
    },
  };
}

/**
 * The cross entropy of each row of logits with its class.
 * @throws TransformerError MODEL_UNSUPPORTED for models with a loss of their own
 */
export function classLosses(
  from: TrainingGraph['from'],
  what: string,
  smoothing: number = 0,
): Tensor {
  if ('pending' in from) return pendingLosses(from, smoothing);
  const { logits, labels } = classesOf(from, what);
  return crossEntropy(logits, labels, smoothing);
}

/** Logits of more bytes than this are computed in pieces of at most half of them, where 64 rows are no more. */
const wholeLogits = 2 ** 26;

/**
 * Cross entropy of logits that are still to be recorded: whole where they are few, else some rows at a time, which
 * are computed once more on the way back. An output layer with adapters or an order of columns of its own takes all.
 */
function pendingLosses({ pending, labels }: PendingClassified, smoothing: number): Tensor {
  const { x, layer } = pending;
  const bytesOfRow = bytesOf('f32', layer.weight.size(0));
  const isWhole = rowsOf(x) * bytesOfRow <= wholeLogits;
  if (isWhole || layer.update !== undefined || layer.order !== undefined) {
    return crossEntropy(recordLogits(pending), labels, smoothing);
  }
  const rows = Math.max(64, Math.floor(wholeLogits / 2 / bytesOfRow / 64) * 64);
  return linearCrossEntropy(x, layer, labels, { smoothing, rows });
}

/** Logits and their classes. @throws TransformerError MODEL_UNSUPPORTED for models with a loss of their own */
export function classesOf(from: TrainingGraph['from'], what: string): Classified {
  if ('logits' in from) return from;
  if ('pending' in from) return { logits: recordLogits(from.pending), labels: from.labels };
  throw new TransformerError(
    'MODEL_UNSUPPORTED',
    `${what} is for labels that are classes; this model has a loss of its own. Leave it out.`,
  );
}
