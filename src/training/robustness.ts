// How well a classifier stands up to inputs that are made harder on purpose.

import { refuseUnknown, throwIfAborted, TransformerError } from '../runtime/errors.ts';
import { Plan } from '../runtime/plan.ts';
import { Recording } from '../runtime/record.ts';
import { Scope } from '../runtime/scope.ts';
import { elements, type Tensor } from '../runtime/tensor.ts';
import { ignoredLabel } from '../shaders/loss/ignored-label.ts';
import type { Model, ModelInputs } from '../model/model.ts';
import type { TrainableModel, TrainingGraph } from '../model/trainable-model.ts';
import { crossEntropy } from '../shaders/loss/cross-entropy.ts';
import {
  type AttackOptions,
  type CheckedAttack,
  checkAttack,
  recordAttack,
} from './adversarial.ts';
import { checkBatches, trainableOf } from './check.ts';
import { classesOf } from './objective.ts';
import './trainable-models.ts';

/** Parts of the labels that are told right. */
export interface Robustness {
  /** Of the inputs as they are, 0 to 1. */
  readonly accuracy: number;
  /** Of the same inputs under attack. */
  readonly attacked: number;
  /** Labels that count. */
  readonly labels: number;
}

/**
 * The accuracy of a classifier of texts, tokens, images or sounds, as they are and under attack: each batch is moved by the
 * gradient of its own labels. Of a model of texts and images, such as CLIP, it is how many images are most like their own text
 * among those of the batch; their pixels are attacked. The model stays as it is, in whatever format it is held.
 * @throws TransformerError OPTION_UNKNOWN, OPTION_INVALID, INPUT_INVALID, MODEL_UNSUPPORTED, ABORTED
 * @example
 * const { accuracy, attacked } = await robustness(model, batches, { method: 'pgd', epsilon: 0.5 });
 */
export async function robustness(
  model: Model,
  batches: Iterable<ModelInputs> | AsyncIterable<ModelInputs>,
  attack: AttackOptions,
  options: { signal?: AbortSignal } = {},
): Promise<Robustness> {
  refuseUnknown(options, ['signal'], 'option of robustness');
  const trainable = trainableOf('The model', model);
  trainable.expectLoss();
  checkBatches(batches);
  const checked = checkAttack(attack);
  const scope = new Scope(trainable.gpu);
  const counts = { right: 0, stillRight: 0, labels: 0 };
  try {
    for await (const inputs of batches) {
      throwIfAborted(options.signal);
      const [plain, attacked] = await logitsOf(trainable, inputs, { scope, attack: checked });
      for (const [row, label] of plain.labels) {
        counts.labels += 1;
        counts.right += plain.told(row) === label ? 1 : 0;
        counts.stillRight += attacked.told(row) === label ? 1 : 0;
      }
    }
  } finally {
    scope.dispose();
  }
  const { right, stillRight, labels } = counts;
  if (labels === 0) {
    throw new TransformerError('INPUT_INVALID', 'There is no batch to attack. Pass some.');
  }
  return { accuracy: right / labels, attacked: stillRight / labels, labels };
}

/** What a model tells of a batch. */
interface Told {
  /** The class that a row of logits names. */
  readonly told: (row: number) => number;
  /** The rows that count, and their classes. */
  readonly labels: readonly (readonly [row: number, label: number])[];
}

/** What a model tells of a batch as it is, and under attack. */
async function logitsOf(
  model: TrainableModel,
  inputs: ModelInputs,
  { scope, attack }: { readonly scope: Scope; readonly attack: CheckedAttack },
): Promise<[Told, Told]> {
  const batch = model.prepare(inputs, 8);
  const recording = new Recording(scope, { training: true });
  try {
    const graphs: TrainingGraph[] = [];
    const pass = (): { readonly logits: Tensor; readonly losses: Tensor } => {
      const graph = model.record(recording, batch);
      graphs.push(graph);
      const { from } = graph;
      if ('perImage' in from && from.perImage) return { ...from, logits: from.perImage };
      const { logits, labels } = classesOf(from, 'Robustness');
      return { logits, losses: crossEntropy(logits, labels) };
    };
    let ones: Tensor | undefined;
    const evenly = ({ shape }: Tensor): Tensor => (ones ??= recording.persistent('ones', shape));
    const passes = recordAttack(recording, pass, evenly, attack);
    const [first] = passes;
    const last = passes.at(-1) ?? first;
    const plan = await Plan.create(recording, [first.logits, last.logits]);
    graphs.forEach((graph) => graph.write(plan, batch));
    if (ones) plan.write(ones, new Float32Array(elements(ones.shape)).fill(1));
    const outputs = await plan.play();
    const isOfPairs = graphs[0] !== undefined && 'perImage' in graphs[0].from;
    // Text i is that of image i.
    const labels = isOfPairs ? [...Array(first.logits.size(0)).keys()] : (inputs.labels ?? []);
    const [plain, attacked] = outputs.map((bytes) => toldBy(bytes, first.logits, labels));
    if (plain === undefined || attacked === undefined) throw new RangeError('no logits');
    return [plain, attacked];
  } finally {
    recording.dispose();
  }
}

/** What logits, (B, C) or (B, T, C), say, and what is right. */
function toldBy(
  bytes: ArrayBuffer,
  { shape }: Tensor,
  labels: NonNullable<ModelInputs['labels']>,
): Told {
  const data = new Float32Array(bytes);
  const classes = shape.at(-1) ?? 1;
  const rows = [...labels].map((row) => [row].flat());
  const length = shape.length > 2 ? (shape[1] ?? 1) : 1;
  return {
    told: (row) => {
      const own = data.subarray(row * classes, (row + 1) * classes);
      return own.indexOf(own.reduce((most, value) => Math.max(most, value), -Infinity));
    },
    labels: rows.flatMap((row, i) =>
      row.flatMap((label, t) =>
        typeof label !== 'number' || label === ignoredLabel
          ? []
          : [[i * length + t, label] as const],
      ),
    ),
  };
}
