// What all measures share: how batches are taken in, and what comes of them.

import { TransformerError } from '../../runtime/errors.ts';
import { show } from '../../runtime/print.ts';
import type { DenseTensor } from '../../model/inputs/inputs.ts';
import type { Model, ModelInputs } from '../../model/model.ts';

/** Those that a task has; the first is what a run goes by where none is named. */
export interface TaskMetrics {
  /** Mean loss of a label. */
  readonly loss?: number;
  /** e to the loss. */
  readonly perplexity?: number;
  /** The part that is right, 0 to 1. */
  readonly accuracy?: number;
  /** Mean of F1 over classes. */
  readonly macroF1?: number;
  /** Of entities, both ends and the kind right. */
  readonly entityF1?: number;
  /** The part of answers or texts that are right as a whole. */
  readonly exactMatch?: number;
  /** Mean of F1 of the tokens of answers. */
  readonly f1?: number;
  /** 0 to 100. */
  readonly chrF?: number;
  /** −1 to 1; NaN where all predictions or all labels are the same. */
  readonly pearson?: number;
  /** The same of ranks: -1 to 1. */
  readonly spearman?: number;
  /** 0 where all words are right. */
  readonly wordErrorRate?: number;
  /** Mean average precision of objects as COCO counts it, over overlaps from 0.5 to 0.95, 0 to 1; NaN without objects. */
  readonly map?: number;
  /** The same where an overlap of 0.5 makes a box right. */
  readonly map50?: number;
  /** The same of 0.75. */
  readonly map75?: number;
}

/** A metric of a task. */
export type MetricName = keyof TaskMetrics;

/** Their names, and which way is better. */
export const metricDirections: Readonly<Record<MetricName, 'up' | 'down'>> = {
  loss: 'down',
  perplexity: 'down',
  accuracy: 'up',
  macroF1: 'up',
  entityF1: 'up',
  exactMatch: 'up',
  f1: 'up',
  chrF: 'up',
  pearson: 'up',
  spearman: 'up',
  wordErrorRate: 'down',
  map: 'up',
  map50: 'up',
  map75: 'up',
};

/** Takes in batches one after the other. */
export interface Measure {
  add(inputs: ModelInputs): Promise<void>;
  metrics(): TaskMetrics;
}

/** What a model gives for a batch without its labels. */
export async function logitsOf(model: Model, inputs: ModelInputs): Promise<DenseTensor> {
  const { labels: _, ...rest } = inputs;
  const { logits } = await model.forward(rest);
  if (logits !== undefined) return logits;
  throw new TransformerError(
    'INPUT_INVALID',
    'The model gives no logits to measure. Pass one with a head.',
  );
}

/** The labels of a batch. @throws TransformerError INPUT_INVALID where it has none */
export function labelsOf({ labels }: ModelInputs): readonly unknown[] {
  if (Array.isArray(labels)) return labels;
  throw new TransformerError(
    'INPUT_INVALID',
    'A batch has no labels to measure by. Pass batches as for training.',
  );
}

/** Rows of the last dimension. */
export function* rowsOf({ data, shape }: DenseTensor): Generator<Float32Array> {
  const columns = shape.at(-1) ?? 1;
  for (let at = 0; at < data.length; at += columns) yield data.subarray(at, at + columns);
}

/** The place of the greatest number. */
export function greatest(row: Float32Array): number {
  return row.reduce((best, value, i) => (value > (row[best] ?? NaN) ? i : best), 0);
}

/** Labels that are numbers, one after the other. @throws TransformerError INPUT_INVALID */
export function numbersIn(labels: readonly unknown[]): number[] {
  return Array.from(labels)
    .flat()
    .map((label, i) => {
      if (typeof label === 'number' && Number.isFinite(label)) return label;
      throw new TransformerError(
        'INPUT_INVALID',
        `Label ${i} of a batch is ${typeof label === 'number' ? 'not finite' : show(label)}; wanted a number.`,
      );
    });
}

/** As many labels as there are to be. @throws TransformerError INPUT_INVALID */
export function expectCount(labels: readonly unknown[], wanted: number): void {
  if (labels.length === wanted) return;
  throw new TransformerError(
    'INPUT_INVALID',
    `A batch has ${labels.length} labels; its model tells ${wanted}. Pass one for each.`,
  );
}
