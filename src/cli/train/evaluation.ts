// What a run makes of what is held out, and the best model that it came by.

import { join } from 'node:path';
import { directoryTarget, type Model } from '../../index.node.ts';
import { EarlyStopping } from '../../training/evaluation/early-stopping.ts';
import type { MetricName, TaskMetrics } from '../../training/evaluation/measure.ts';
import { metricNames, taskMetrics } from '../../training/evaluation/task-metrics.ts';
import type { Lora } from '../../training/adapters/lora.ts';
import type { Trainer } from '../../training/trainer.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import { exactMatch } from './answers.ts';
import { UsageError } from '../options.ts';
import type { TrainingData } from './data.ts';
import type { TrainSettings } from './settings.ts';

/** The folder in that of a run that holds its best model. */
const bestFolder = 'best';

interface Evaluated {
  readonly trainer: Trainer;
  /** With the adapter that trains. */
  readonly model: Model;
  readonly adapter: Lora | undefined;
  /** Of models of texts. */
  readonly tokenizer: Tokenizer | undefined;
  readonly data: TrainingData;
  /** Files that go with a model. */
  readonly files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
}

export class RunEvaluation {
  readonly #settings: TrainSettings;
  readonly #parts: Evaluated;
  #stopping: EarlyStopping | undefined;

  /** @throws UsageError where a run cannot find what --metric names */
  constructor(settings: TrainSettings, parts: Evaluated) {
    this.#settings = settings;
    this.#parts = parts;
    const { metric, patience } = settings;
    if (metric === undefined && patience === undefined) return;
    const names = metricsFound(parts);
    if (names.length === 0) {
      throw new UsageError(
        'Nothing is held out to measure, of fewer than twenty. Leave out --metric and --patience, or pass more --data.',
      );
    }
    if (metric === undefined || names.includes(metric)) return;
    throw new UsageError(`--metric is ${metric}; this run finds ${names.join(', ')}. Name one.`);
  }

  /** Takes up what a run had found before. */
  resume(found: Iterable<readonly [step: number, metrics: TaskMetrics]>): void {
    for (const [step, metrics] of found) this.#observe(step, metrics);
  }

  /** Whether nothing better has come for as long as the run has patience. */
  get isOver(): boolean {
    return this.#stopping?.isOver === true;
  }

  /** A line about the best model, where one is kept. */
  get bestLine(): string | undefined {
    const { best, metric } = this.#stopping ?? {};
    if (best === undefined) return undefined;
    const folder = join(this.#settings.out, bestFolder);
    return `The best is that of step ${best.step}, ${metric} ${best.value.toFixed(4)}: ${folder}`;
  }

  /** Measures what is held out, if anything is; keeps the model where it is the best so far. */
  async evaluate(signal: AbortSignal): Promise<TaskMetrics | undefined> {
    const found = await this.#measure(signal);
    if (found !== undefined && this.#observe(this.#parts.trainer.step, found)) await this.#keep();
    return found;
  }

  async #measure(signal: AbortSignal): Promise<TaskMetrics | undefined> {
    const { trainer, model, tokenizer, data } = this.#parts;
    const { heldOut, heldOutBatches = [], objective } = data;
    if (tokenizer && heldOut.length > 0) {
      return { exactMatch: await exactMatch(model, tokenizer, heldOut, signal) };
    }
    if (heldOutBatches.length === 0) return undefined;
    if (!metricsFound(this.#parts).includes('loss')) {
      return taskMetrics(model, heldOutBatches, { ...(tokenizer && { tokenizer }), signal });
    }
    const { loss, perplexity } = await trainer.evaluate(heldOutBatches, { signal });
    return objective === undefined ? { loss, perplexity } : { loss };
  }

  /** Whether this is the best so far, of runs that keep it. */
  #observe(step: number, found: TaskMetrics): boolean {
    const { metric, patience } = this.#settings;
    if (metric === undefined && patience === undefined) return false;
    const [first = 'loss'] = Object.keys(found) as MetricName[];
    this.#stopping ??= new EarlyStopping({
      metric: metric ?? first,
      ...(patience !== undefined && { patience }),
    });
    return this.#stopping.observe(step, found);
  }

  async #keep(): Promise<void> {
    const { out, dtype } = this.#settings;
    const { trainer, adapter, files } = this.#parts;
    const target = directoryTarget(join(out, bestFolder));
    if (adapter !== undefined) return adapter.save(target);
    await trainer.saveModel(target, { dtype });
    for (const [name, bytes] of files) await target.write(name, bytes);
  }
}

/** What is found of what is held out. */
function metricsFound({ model, data }: Evaluated): readonly MetricName[] {
  const { heldOut, heldOutBatches = [], objective } = data;
  if (heldOut.length > 0) return ['exactMatch'];
  if (heldOutBatches.length === 0) return [];
  return objective === undefined ? metricNames(model) : ['loss'];
}
