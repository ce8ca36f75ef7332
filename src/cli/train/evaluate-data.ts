// How good a model is at its task, by the data of a file or a folder.

import {
  Gpu,
  type LoadOptions,
  loadModel,
  type Model,
  type ModelInputs,
} from '../../index.node.ts';
import { className } from '../../model/heads/head-name.ts';
import { readConfig } from '../../model/read-configs.ts';
import { defaultRecipe } from '../../phrases/recipe.ts';
import { show } from '../../runtime/print.ts';
import type { Source } from '../../source/source.ts';
import { openSource } from '../../source/open-source.ts';
import { withAdapters } from '../../training/adapters/adapted-model.ts';
import type { Lora } from '../../training/adapters/lora.ts';
import { type DataRecord, readRecords } from '../../training/data/records.ts';
import type { MetricName, TaskMetrics } from '../../training/evaluation/measure.ts';
import { taskMetrics } from '../../training/evaluation/task-metrics.ts';
import { textPerplexity } from '../../training/evaluation/text-perplexity.ts';
import { Trainer } from '../../training/trainer.ts';
import { Tokenizer } from '../../tokenizer/tokenizer.ts';
import { adapterLine } from '../adapter-line.ts';
import { labelsOf, tasksFor } from '../describe.ts';
import { adapterHead, loadAdapted, withConfig } from '../load.ts';
import { UsageError } from '../options.ts';
import { duration, Progress } from '../progress.ts';
import type { Learner } from './data.ts';
import { type ExampleSet, inBatches } from './example-set.ts';
import { folderLearner } from './folder.ts';
import { textsIn, usualLength } from './packed.ts';
import { shownMetric } from './report.ts';
import type { RunSettings } from './run-settings.ts';
import { textLearner } from './texts.ts';

/** A checkpoint, and what it is measured by. */
export interface DataExamination {
  readonly place: string;
  /** A file or a folder, as `train --data` takes it. */
  readonly data: string;
  /** The folder of an adapter beside the weights. */
  readonly adapter?: string | undefined;
  readonly dtype?: LoadOptions['dtype'] | undefined;
  readonly batchSize: number;
  /** What is spoken in sounds. */
  readonly language?: string | undefined;
}

/**
 * Prints the metrics of a model's task, of all that the data holds; of a language model and whole texts perplexity and bits
 * per byte. Errors: UsageError and FILE_* for data that is not for the model, and what loadModel throws.
 */
export async function evaluateData(examination: DataExamination): Promise<void> {
  const start = performance.now();
  const { place, adapter } = examination;
  const own = adapter === undefined ? undefined : await adapterHead(adapter);
  const source = openSource(own ? withConfig(place, own.config) : place);
  const { learner, texts = [] } = await subjectOf(examination, source);
  using gpu = await Gpu.request();
  using opened = await open(examination, {
    gpu,
    ...(own && { head: own.head }),
    ...(learner?.modules && { modules: true, training: adapter === undefined }),
  });
  const { model, lora } = opened;
  const whole = lora ? withAdapters(model, lora) : model;
  const { found, of } = learner
    ? await measured(examination, learner, { model, whole, lora })
    : await foretold(whole, source, texts);
  console.log(found);
  const seconds = (performance.now() - start) / 1000;
  console.log(`${of} in ${duration(seconds)}, ${adapterLine(gpu)}`);
}

/** What was found, in words, and of what. */
interface Findings {
  readonly found: string;
  readonly of: string;
}

interface Opened extends Disposable {
  readonly model: Model;
  readonly lora?: Lora;
}

async function open(
  { place, adapter, dtype }: DataExamination,
  options: LoadOptions,
): Promise<Opened> {
  const load = { ...options, ...(dtype && { dtype }) };
  if (adapter !== undefined) return loadAdapted(place, adapter, load);
  const model = await loadModel(place, load);
  return { model, [Symbol.dispose]: () => model.dispose() };
}

/** What a model is measured by: examples, as a run learns from them, or whole texts for a language model. */
interface Subject {
  readonly learner?: Learner;
  readonly texts?: readonly string[];
}

async function subjectOf(examination: DataExamination, source: Source): Promise<Subject> {
  const { place, data, batchSize, language } = examination;
  const settings: RunSettings = {
    recipe: { ...defaultRecipe, batchSize },
    course: 'narrow',
    from: place,
    data,
    freeze: [],
    ...(language !== undefined && { language }),
  };
  let learner = await folderLearner(settings, source);
  if (learner === undefined) {
    const config = await readConfig(source, undefined);
    const tasks = await tasksFor(config, className(config) ?? null);
    const rows = tasks.includes('text-generation') ? await readRecords(data) : undefined;
    if (rows?.some(isExample) === false) return { texts: textsIn(data, rows) };
    learner = await textLearner(settings, { source, rows });
  }
  await checkLabels(examination, learner, source);
  return { learner };
}

/** Whether a row is more than a text. */
function isExample({ messages, prompt, chosen }: DataRecord): boolean {
  return [messages, prompt, chosen].some((value) => value !== undefined);
}

/** Errors: UsageError where the data has labels that the model does not tell. */
async function checkLabels(
  { place, data }: DataExamination,
  { head }: Learner,
  source: Source,
): Promise<void> {
  if (head === undefined) return;
  const config = await readConfig(source, undefined);
  const known = labelsOf(config, className(config) ?? null);
  throw new UsageError(
    `${data} has the labels ${show(head.labels)}; ${place} tells ${known.length > 0 ? show(known) : 'none'}. ` +
      'Pass a model that tells those of the data.',
  );
}

interface Measured {
  readonly model: Model;
  /** The same with its adapter. */
  readonly whole: Model;
  readonly lora: Lora | undefined;
}

async function measured(
  { batchSize }: DataExamination,
  { examples, tokenizer, modules = false }: Learner,
  { model, whole, lora }: Measured,
): Promise<Findings> {
  const set = await examples?.(model);
  if (set === undefined) throw new UsageError('There is nothing to measure. Pass other --data.');
  const { count, name, objective } = set;
  if (objective !== undefined && lora === undefined && !modules) {
    throw new UsageError(
      'Preferences are measured beside the model without its adapter. Pass --adapter DIR.',
    );
  }
  const progress = new Progress(count);
  const batches = inBatches(set, batchSize, (done) => progress.show(done, 'examples'));
  const metrics = objective
    ? await lossOf(batches, objective, { model, lora })
    : await taskMetrics(whole, batches, { ...(tokenizer && { tokenizer }) });
  progress.clear();
  const values = Object.entries(metrics) as [MetricName, number][];
  return {
    found: values.map(([metric, value]) => shownMetric(metric, value)).join('  '),
    of: `${count.toLocaleString('en-US')} ${name}`,
  };
}

/** The mean loss of an objective that is not to say labels. */
async function lossOf(
  batches: AsyncIterable<ModelInputs>,
  objective: NonNullable<ExampleSet['objective']>,
  { model, lora }: Pick<Measured, 'model' | 'lora'>,
): Promise<TaskMetrics> {
  using trainer = new Trainer(model, {
    // No step is taken.
    learningRate: 1,
    objective,
    ...(lora && { adapter: lora }),
  });
  const { loss } = await trainer.evaluate(batches);
  return { loss };
}

/** How well a language model foretells texts. */
async function foretold(model: Model, source: Source, texts: readonly string[]): Promise<Findings> {
  const tokenizer = await Tokenizer.load(source, undefined);
  const progress = new Progress(texts.length);
  const { perplexity, bitsPerByte, tokens, bytes } = await textPerplexity(model, tokenizer, texts, {
    length: Math.min(model.maxPositions, usualLength),
    onText: (done) => progress.show(done, 'texts'),
  });
  progress.clear();
  const count = (number: number): string => number.toLocaleString('en-US');
  return {
    found: `perplexity ${perplexity.toFixed(3)} a token, ${bitsPerByte.toFixed(4)} bits a byte`,
    of: `${count(tokens)} tokens, ${count(bytes)} bytes of ${texts.length} texts`,
  };
}
