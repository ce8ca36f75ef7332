// What a model is worth at its task, of batches that it is not trained on.

import {
  hasMethod,
  refuseUnknown,
  requireObject,
  throwIfAborted,
  TransformerError,
} from '../../runtime/errors.ts';
import { show } from '../../runtime/print.ts';
import { className } from '../../model/heads/head-name.ts';
import type { Model, ModelInputs } from '../../model/model.ts';
import { isObject, type JsonObject } from '../../source/json.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import { checkBatches, checkWhole, invalidOption } from '../check.ts';
import { measureClasses, measureFlags, measureNumbers, measureTags } from './class-measures.ts';
import { measureObjects } from './object-measures.ts';
import { measureLoss, measureSpans } from './place-measures.ts';
import { measureGenerated, measureHeard } from './text-measures.ts';
import type { Measure, MetricName, TaskMetrics } from './measure.ts';

/** How metrics are measured. */
export interface TaskMetricsOptions {
  /** What makes texts of token ids, of models that write or hear texts: of `loadTokenizer`, say. */
  tokenizer?: Pick<Tokenizer, 'decode'>;
  /** New tokens of a text at most; half as many again as the longest of its batch's labels when absent. */
  maxNewTokens?: number;
  /** Cancels the call, which then rejects with `ABORTED`. */
  signal?: AbortSignal;
}

/**
 * Measures a model by the metric of its task, of batches as `forward` takes them, with labels: of classifiers accuracy
 * and macro F1, where labels are numbers Pearson's and Spearman's correlation, where they are flags both of all and of each;
 * of tags of entities F1; of question answering exact match and F1 of the tokens; of what writes texts, greedily, exact match
 * and chrF; of speech the word error rate; of detectors mean average precision; of others the loss, and of language models perplexity.
 * Errors: INPUT_INVALID, OPTION_INVALID, OPTION_UNKNOWN, ABORTED.
 * @example
 * const { accuracy, macroF1 } = await taskMetrics(model, heldOut);
 */
export async function taskMetrics(
  model: Model,
  batches: Iterable<ModelInputs> | AsyncIterable<ModelInputs>,
  options: TaskMetricsOptions = {},
): Promise<TaskMetrics> {
  refuseUnknown(options, ['tokenizer', 'maxNewTokens', 'signal'], 'option of taskMetrics');
  if (!hasMethod(model, 'forward')) {
    throw new TransformerError(
      'INPUT_INVALID',
      `The model is ${show(model)}; wanted a model. Pass what loadModel resolves with.`,
    );
  }
  const { tokenizer, maxNewTokens, signal } = options;
  if (maxNewTokens !== undefined) checkWhole('maxNewTokens', maxNewTokens, 1);
  if (tokenizer !== undefined && !hasMethod(tokenizer, 'decode')) {
    throw invalidOption('tokenizer', tokenizer, 'what loadTokenizer resolves with');
  }
  checkBatches(batches);
  const measure = taskOf(model).measure(model, options);
  let count = 0;
  for await (const inputs of batches) {
    throwIfAborted(signal);
    requireObject(inputs, 'A batch');
    await measure.add(inputs);
    count += 1;
  }
  if (count === 0) {
    throw new TransformerError('INPUT_INVALID', 'There is no batch to measure. Pass some.');
  }
  return measure.metrics();
}

/** A task, and what it is measured by. */
interface MeasuredTask {
  readonly names: readonly MetricName[];
  readonly measure: (model: Model, options: TaskMetricsOptions) => Measure;
}

const classes: MeasuredTask = { names: ['accuracy', 'macroF1'], measure: measureClasses };
const flags: MeasuredTask = { names: ['accuracy', 'macroF1'], measure: measureFlags };
const numbers: MeasuredTask = { names: ['pearson', 'spearman'], measure: measureNumbers };
const tags: MeasuredTask = { names: ['entityF1', 'macroF1', 'accuracy'], measure: measureTags };
const spans: MeasuredTask = { names: ['exactMatch', 'f1'], measure: measureSpans };
const objects: MeasuredTask = { names: ['map', 'map50', 'map75'], measure: measureObjects };
const heard: MeasuredTask = { names: ['wordErrorRate'], measure: measureHeard };
const written: MeasuredTask = {
  names: ['exactMatch', 'chrF', 'wordErrorRate'],
  measure: measureGenerated,
};
const others: MeasuredTask = { names: ['loss', 'perplexity'], measure: measureLoss };

/** The metrics that the task of a model may have. */
export function metricNames(model: Model): readonly MetricName[] {
  return taskOf(model).names;
}

/** The task of a model, by the class that config.json names. */
function taskOf({ config }: Model): MeasuredTask {
  const name = className(config) ?? '';
  if (/For(?:Sequence|Image|Audio)Classification/.test(name)) return classification(config);
  if (name.endsWith('ForTokenClassification')) return tags;
  if (name.endsWith('ForQuestionAnswering')) return spans;
  if (name.endsWith('ForObjectDetection')) return objects;
  if (name.endsWith('ForCTC')) return heard;
  const type = config['model_type'];
  const writes = config['is_encoder_decoder'] === true || type === 'blip';
  return writes || type === 'vision-encoder-decoder' ? written : others;
}

/** Of whole texts, pictures and sounds; of one logit, labels are numbers. */
function classification({
  problem_type: problem,
  num_labels: count,
  id2label: names,
}: JsonObject): MeasuredTask {
  if (problem === 'multi_label_classification') return flags;
  const labels = isObject(names) ? Object.keys(names).length : count;
  const isNumber = problem === 'regression' || (problem === undefined && labels === 1);
  return isNumber ? numbers : classes;
}
