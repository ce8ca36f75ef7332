// Labels that nobody trained: a natural-language-inference checkpoint says how well each label's
// hypothesis follows from the text (Yin et al. 2019, arXiv 1909.00161).

import { TransformerError } from '../../runtime/errors.ts';
import { isObject } from '../../source/json.ts';
import { eachText } from '../batches.ts';
import { checkLabels, hypotheses } from '../candidate-labels.ts';
import { greatest, softmax } from '../scores.ts';
import {
  checkOptions,
  checkText,
  encodeText,
  oneOrMany,
  type TaskModel,
  type TaskParts,
} from '../task.ts';
import { classLogits } from './text-classification.ts';

/** How texts are compared with labels. */
export interface ZeroShotOptions {
  /** The sentence that a label makes in place of `{}`; "This example is {}." when absent. */
  hypothesisTemplate?: string;
  /** Scores each label on its own, so that several may hold. */
  multiLabel?: boolean;
  /** Cancels the call, which then rejects with `ABORTED`. */
  signal?: AbortSignal;
}

/** Labels and their scores, the best first. */
export interface ZeroShotResult {
  /** The text. */
  sequence: string;
  /** The labels, the best first. */
  labels: string[];
  /** Their scores in the same order, 0 to 1; they add up to 1 unless `multiLabel` is set. */
  scores: number[];
}

export interface ZeroShotClassification {
  /** `candidateLabels` may be one string with commas between the labels. */
  (
    text: string,
    candidateLabels: string | readonly string[],
    options?: ZeroShotOptions,
  ): Promise<ZeroShotResult>;
  (
    texts: readonly string[],
    candidateLabels: string | readonly string[],
    options?: ZeroShotOptions,
  ): Promise<ZeroShotResult[]>;
}

const task = 'zero-shot-classification';

export function zeroShotClassification(parts: TaskParts): ZeroShotClassification {
  const entailment = entailmentOf(parts.model);
  // As in Hugging Face: the other end of the labels stands for contradiction.
  const contradiction = entailment === 0 ? -1 : 0;

  const classify = (
    input: string | readonly string[],
    candidateLabels: string | readonly string[],
    options: ZeroShotOptions = {},
  ): Promise<ZeroShotResult | ZeroShotResult[]> => {
    const kinds = { hypothesisTemplate: 'text', multiLabel: 'boolean', signal: 'signal' } as const;
    checkOptions(task, options, kinds);
    const labels = checkLabels(candidateLabels);
    const { hypothesisTemplate: template = 'This example is {}.', multiLabel, signal } = options;
    const hypothesisOf = hypotheses(template);
    return oneOrMany(input, async (texts) => {
      const pairs = texts.flatMap((text) => labels.map((label) => ({ text, label })));
      const rows = await eachText(pairs, signal, ({ text, label }) => {
        const checked = checkText('The text to classify', text);
        return encodeText(parts, checked, hypothesisOf(label), 'first');
      });
      const logits = await classLogits(parts, rows, task, signal);
      return texts.map((sequence, index) => {
        const own = logits.slice(index * labels.length, (index + 1) * labels.length);
        const entailed = own.map((row) => row[entailment] ?? 0);
        const scores =
          multiLabel === true || labels.length === 1
            ? own.map((row, at) => softmax([row.at(contradiction) ?? 0, entailed[at] ?? 0])[1] ?? 0)
            : softmax(entailed);
        const order = greatest(scores, scores.length);
        return {
          sequence,
          labels: order.map((at) => labels[at] ?? ''),
          scores: order.map((at) => scores[at] ?? 0),
        };
      });
    });
  };
  return classify as ZeroShotClassification;
}

/** The label that says "it follows": by `label2id` of config.json, else `id2label`. Errors: MODEL_UNSUPPORTED. */
function entailmentOf({ config }: TaskModel): number {
  const { label2id, id2label } = config;
  const labels: [string, unknown][] = isObject(label2id)
    ? Object.entries(label2id)
    : Object.entries(id2label ?? {}).map(([id, name]) => [String(name), Number(id)]);
  const [, id] = labels.find(([name]) => name.toLowerCase().startsWith('entail')) ?? [];
  if (typeof id === 'number') return id;
  throw new TransformerError(
    'MODEL_UNSUPPORTED',
    `${task} reads a label "entailment", but this checkpoint's labels are ` +
      `${labels.map(([name]) => name).join(', ') || 'unnamed'}. Load one trained on inference (NLI).`,
  );
}
