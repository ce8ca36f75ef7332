// When a run has learned what it can ("Early Stopping – But When?", Prechelt 1998): the best of what was found of data that
// is not trained on, and how long nothing better has come.

import { fieldsOf, refuseUnknown, TransformerError } from '../../runtime/errors.ts';
import { show } from '../../runtime/print.ts';
import { checkRange, checkWhole } from '../check.ts';
import { type MetricName, metricDirections, type TaskMetrics } from './measure.ts';

/** What decides, and how long it may stay away. */
export interface EarlyStoppingOptions {
  /** What is to get better: `loss` and others down, `accuracy` and others up. */
  metric: MetricName;
  /** Evaluations in a row without anything better, after which a run is over; Infinity by default. */
  patience?: number;
  /** By how much better counts; by anything at all when absent. */
  minDelta?: number;
}

/** What is best so far. */
export interface BestEvaluation {
  /** The step that it was measured behind. */
  readonly step: number;
  /** The metric there. */
  readonly value: number;
}

/**
 * Follows a metric through a run. A run that is resumed observes what it had found before once more.
 * @example
 * const stopping = new EarlyStopping({ metric: 'accuracy', patience: 3 });
 * for await (const { step } of trainer.steps(batches)) {
 *   if (step % 100 !== 0) continue;
 *   if (stopping.observe(step, await taskMetrics(model, heldOut))) await trainer.saveModel('runs/best');
 *   if (stopping.isOver) break;
 * }
 */
export class EarlyStopping {
  /** The metric that decides. */
  readonly metric: MetricName;
  readonly #patience: number;
  readonly #minDelta: number;
  #best: BestEvaluation | undefined;
  #waited = 0;

  /** @throws TransformerError OPTION_UNKNOWN, OPTION_INVALID */
  constructor(options: EarlyStoppingOptions) {
    refuseUnknown(options, ['metric', 'patience', 'minDelta'], 'option of EarlyStopping');
    const { metric, patience = Infinity, minDelta = 0 } = options;
    if (typeof metric !== 'string' || !Object.hasOwn(metricDirections, metric)) {
      throw new TransformerError(
        'OPTION_INVALID',
        `metric is ${typeof metric === 'string' ? show(metric) : 'no name'}; wanted one of ` +
          `${Object.keys(metricDirections).join(', ')}.`,
      );
    }
    if (patience !== Infinity) checkWhole('patience', patience, 1);
    checkRange('minDelta', minDelta, 0, Infinity);
    this.metric = metric;
    this.#patience = patience;
    this.#minDelta = minDelta;
  }

  /** The best evaluation so far; undefined before the first that is a number. */
  get best(): BestEvaluation | undefined {
    return this.#best;
  }

  /** Whether nothing better has come for as many evaluations as `patience`. */
  get isOver(): boolean {
    return this.#waited >= this.#patience;
  }

  /**
   * Takes note of what was found at a step; the result says whether it is the best so far. NaN never is.
   * @throws TransformerError INPUT_INVALID where the metric is not there
   */
  observe(step: number, metrics: TaskMetrics): boolean {
    checkWhole('step', step, 0);
    const found = numbersOf(metrics);
    const value = found.get(this.metric);
    if (value === undefined) {
      const names = [...found.keys()].join(', ') || 'nothing';
      throw new TransformerError(
        'INPUT_INVALID',
        `There is no ${this.metric} in what was found: ${names}. Name one of these as metric.`,
      );
    }
    const sign = metricDirections[this.metric] === 'up' ? 1 : -1;
    const gain = this.#best === undefined ? Infinity : sign * (value - this.#best.value);
    const isBest = !Number.isNaN(value) && gain > this.#minDelta;
    this.#waited = isBest ? 0 : this.#waited + 1;
    if (isBest) this.#best = { step, value };
    return isBest;
  }
}

/** What was found, by name. @throws TransformerError INPUT_INVALID */
function numbersOf(metrics: TaskMetrics): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const [name, value] of fieldsOf(metrics, 'What was found')) {
    if (value === undefined) continue;
    if (typeof value !== 'number') {
      throw new TransformerError(
        'INPUT_INVALID',
        `${name} of what was found is ${show(value)}; wanted a number.`,
      );
    }
    found.set(name, value);
  }
  return found;
}
