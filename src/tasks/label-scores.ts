// From the logits of a classifier to its labels, the best first.

import { greatest, sigmoid, softmax } from './scores.ts';
import { labelName, type TaskModel } from './task.ts';

/** A label and how well it fits. */
export interface LabelScore {
  /** As config.json names it. */
  label: string;
  /** A probability, 0 to 1; of one number that is told (regression), the number. */
  score: number;
}

export interface LabelOptions {
  /** The number of labels to give, the best first; null for all. */
  topK?: number | null | undefined;
  /** From logits to scores; as the checkpoint's problem_type and number of labels say when absent. */
  functionToApply?: 'softmax' | 'sigmoid' | 'none' | undefined;
}

/** What `checkOptions` wants of them. */
export const labelOptionKinds = {
  topK: 'countOrAll',
  functionToApply: ['softmax', 'sigmoid', 'none'],
} as const;

type Classifier = Pick<TaskModel, 'config'>;

/** logits: (labels). */
export function labelScores(
  model: Classifier,
  logits: Float32Array,
  { topK, functionToApply = usualFunction(model, logits.length) }: LabelOptions,
): LabelScore[] {
  const scores =
    functionToApply === 'softmax'
      ? softmax(logits)
      : Array.from(logits, (x) => (functionToApply === 'sigmoid' ? sigmoid(x) : x));
  return greatest(scores, topK ?? scores.length).map((index) => ({
    label: labelName(model, index),
    score: scores[index] ?? 0,
  }));
}

function usualFunction({ config }: Classifier, labels: number): 'softmax' | 'sigmoid' | 'none' {
  const { problem_type: problem } = config;
  if (problem === 'regression') return 'none';
  return problem === 'multi_label_classification' || labels === 1 ? 'sigmoid' : 'softmax';
}
