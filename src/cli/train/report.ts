// What a run tells about its steps: a progress bar or lines, log.jsonl, and TensorBoard.

import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EventWriter } from '../../node/tensorboard.ts';
import {
  type MetricName,
  metricDirections,
  type TaskMetrics,
} from '../../training/evaluation/measure.ts';
import type { TrainingStep } from '../../training/training-step.ts';
import { duration, Progress } from '../progress.ts';
import type { TrainSettings } from './settings.ts';

/** The file of a run's folder with one report a line, as JSON. */
const logFile = 'log.jsonl';

/** Steps from one report to the next, which has their mean. */
const reportEvery = 25;

/** Steps since the last report. */
interface Sums {
  loss: number;
  tokens: number;
  seconds: number;
  steps: number;
}

const none: Readonly<Sums> = { loss: 0, tokens: 0, seconds: 0, steps: 0 };

export class Reporter {
  readonly #settings: TrainSettings;
  readonly #events: EventWriter | undefined;
  readonly #progress: Progress;
  #sums: Sums = { ...none };
  #all: Sums = { ...none };
  #last: TrainingStep | undefined;
  /** What was found of what is held out, by the step, before the run was taken up. */
  readonly found: readonly (readonly [step: number, metrics: TaskMetrics])[];

  private constructor(
    settings: TrainSettings,
    events: EventWriter | undefined,
    lines: readonly string[],
  ) {
    this.#settings = settings;
    this.#events = events;
    this.found = lines.map(foundIn).filter(([, metrics]) => Object.keys(metrics).length > 0);
    this.#progress = new Progress(settings.recipe.steps);
  }

  /** Begins the reports behind step `done`; a resumed run drops those of steps that were lost. */
  static async open(settings: TrainSettings, done: number): Promise<Reporter> {
    const { out, logdir, resume } = settings;
    const log = join(out, logFile);
    const lines = resume ? (await readFile(log, 'utf8').catch(() => '')).split('\n') : [];
    const kept = lines.filter((line) => line !== '' && stepOf(line) <= done);
    await writeFile(log, kept.map((line) => `${line}\n`).join(''));
    const firstStep = resume ? done + 1 : undefined;
    const events = logdir === undefined ? undefined : await EventWriter.open(logdir, firstStep);
    return new Reporter(settings, events, kept);
  }

  /** Prints a line, unless the run is to be quiet. */
  print(line: string): void {
    if (this.#settings.quiet) return;
    this.#progress.clear();
    console.log(line);
  }

  /** Counts a step that took `seconds`. */
  step(step: TrainingStep, seconds: number): void {
    for (const sums of [this.#sums, this.#all]) {
      sums.loss += step.loss;
      sums.tokens += step.tokensPerSecond * seconds;
      sums.seconds += seconds;
      sums.steps += 1;
    }
    this.#last = step;
    if (!this.#settings.quiet) this.#progress.show(step.step, this.#details(step.loss));
  }

  /** Whether a report is due at this step. */
  isDue(step: number): boolean {
    return step % reportEvery === 0 || step === this.#settings.recipe.steps;
  }

  /** Reports the steps since the last report, if there are any. */
  async report(found: TaskMetrics = {}): Promise<void> {
    const values = Object.entries(found) as [MetricName, number][];
    const isEvaluated = values.length > 0;
    const { loss: sum, tokens, seconds, steps } = this.#sums;
    if (this.#last === undefined || steps === 0) return;
    const { step, learningRate, gradNorm, skippedSteps } = this.#last;
    const [loss, tokensPerSecond] = [sum / steps, tokens / seconds];
    this.#sums = { ...none };
    const line = { step, loss, learningRate, gradNorm, tokensPerSecond, skippedSteps };
    const evaluation = Object.fromEntries(values.map(([name, value]) => [logName(name), value]));
    const log = JSON.stringify({ ...line, ...evaluation });
    await appendFile(join(this.#settings.out, logFile), `${log}\n`);
    await this.#events?.scalars(step, {
      loss,
      learning_rate: learningRate,
      grad_norm: gradNorm,
      tokens_per_second: tokensPerSecond,
      ...Object.fromEntries(values.map(([name, value]) => [tagOf(logName(name)), value])),
    });
    // Where there is a bar, only what it does not show is worth a line.
    if (this.#progress.isShown && !isEvaluated) return;
    const { steps: total } = this.#settings.recipe;
    const parts = [
      `step ${String(step).padStart(String(total).length)}/${total}`,
      this.#details(loss),
      `learning rate ${learningRate.toExponential(2)}`,
      `gradient norm ${gradNorm.toFixed(3)}`,
      ...(skippedSteps > 0 ? [`${skippedSteps} skipped`] : []),
      ...values.map(([name, value]) => shownHeldOut(name, value)),
    ];
    this.print(parts.join('  '));
  }

  /** Loss, speed and time left. */
  #details(loss: number): string {
    const { tokens, seconds, steps } = this.#all;
    const left = this.#settings.recipe.steps - (this.#last?.step ?? 0);
    const rate = Math.round(tokens / seconds).toLocaleString('en-US');
    return `loss ${loss.toFixed(4)}  ${rate} tokens/s  ${duration((left * seconds) / steps)} left`;
  }

  /** Takes the progress bar away. */
  end(): void {
    this.#progress.clear();
  }
}

/** The step of a line of the log; a line cut short by a crash counts as lost. */
function stepOf(line: string): number {
  try {
    return Number((JSON.parse(line) as { step?: unknown }).step);
  } catch {
    return Infinity;
  }
}

/** What a line of the log says of what is held out. */
function foundIn(line: string): readonly [step: number, metrics: TaskMetrics] {
  const fields = JSON.parse(line) as Readonly<Record<string, number | null>>;
  const names = Object.keys(metricDirections) as MetricName[];
  const values = names.flatMap((name) => {
    const value = fields[logName(name)];
    // JSON has no NaN.
    return value === undefined ? [] : [[name, value ?? NaN] as const];
  });
  return [Number(fields['step']), Object.fromEntries(values)];
}

/** What a metric is called beside the loss of a step. */
function logName(name: MetricName): string {
  return name === 'loss' ? 'evaluationLoss' : name;
}

/** As TensorBoard's other tags: exact_match. */
function tagOf(name: string): string {
  return name.replaceAll(/(?<=[a-z])[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

const parts = new Set<MetricName>(['accuracy', 'exactMatch', 'wordErrorRate']);

/** A metric in words. */
export function shownMetric(name: MetricName, value: number): string {
  const words = tagOf(name).replaceAll('_', ' ');
  return parts.has(name)
    ? `${words} ${(100 * value).toFixed(1)} %`
    : `${words} ${value.toFixed(4)}`;
}

/** The same beside the loss of a step. */
function shownHeldOut(name: MetricName, value: number): string {
  return name === 'loss' ? `loss held out ${value.toFixed(4)}` : shownMetric(name, value);
}
