// pipeline(task, source): a model and what belongs to it, ready for people's inputs and with answers out.

import type { JsonObject } from '../source/json.ts';
import { codeFor, modalitiesOf } from '../model/architectures.ts';
import { Config } from '../model/config.ts';
import { className } from '../model/heads/head-name.ts';
import { loadFor, type LoadOptions } from '../model/load.ts';
import type { Model } from '../model/model.ts';
import { type ModelSource, openSource } from '../source/open-source.ts';
import { checkQuantized } from '../model/weights/quantization-fields.ts';
import { readConfig } from '../model/read-configs.ts';
import { describeFile, type Source } from '../source/source.ts';
import { fieldsOf, hasMethod, TransformerError } from '../runtime/errors.ts';
import { show } from '../runtime/print.ts';
import { loadProcessors, processorCode, type Processors } from './processors.ts';
import type { TaskDefinition } from './task-definition.ts';
import {
  type aliases,
  definitionOf,
  fits,
  type Needs,
  taskNamed,
  type Tasks,
  tasksOf,
} from './task-table.ts';

type Aliases = typeof aliases;

/** The checkpoint that a pipeline holds until `dispose`. */
export interface PipelineParts {
  readonly task: keyof Tasks;
  readonly model: Model;
  /** Frees the model. */
  dispose(): void;
  [Symbol.dispose](): void;
}

/** A pipeline: the task, its checkpoint, and what brings inputs to the model. */
type PipelineOf<Task extends keyof Tasks> = PipelineParts &
  Pick<Processors, Needs[Task]> &
  Tasks[Task];

/** The pipelines by the names of their tasks. */
export type Pipelines = {
  [Task in keyof Tasks | keyof Aliases]: PipelineOf<
    Task extends keyof Aliases ? Aliases[Task] : Task extends keyof Tasks ? Task : never
  >;
};

/** What `pipeline('translation', …)` resolves with. */
export type TranslationPipeline = Pipelines['translation'];

export interface PipelineOptions extends LoadOptions {
  /**
   * The model of the source, where it is loaded already: for several tasks, say, or with adapters. It stays when the
   * pipeline is disposed of.
   */
  model?: Model;
}

/**
 * Loads a checkpoint for a task, with what the task needs besides, such as a tokenizer. `source` and `options`
 * are those of `loadModel`. Errors: those of `loadModel`; OPTION_INVALID for an unknown task; MODEL_UNSUPPORTED for a
 * checkpoint that was made for other tasks.
 * @example
 * const translate = await pipeline('translation', 'models/phrases');
 * await translate('Saturday, November 21, 2026', { to: 'fr' }); // [{ translationText: … }]
 */
export async function pipeline<Name extends keyof Pipelines>(
  name: Name,
  source: ModelSource,
  given: PipelineOptions = {},
): Promise<Pipelines[Name]> {
  const chosen = await taskNamed(name);
  const { model: loaded, ...options }: PipelineOptions = Object.fromEntries(
    fieldsOf(given, 'The object of options'),
  );
  const definition = await definitionOf(chosen);
  const files = openSource(source, options);
  const { signal } = options;
  // A first call waits for one answer after the other: code that is sure to be needed comes meanwhile.
  soon(definition.code());
  soon(processorCode(definition.needs));
  const config = await readConfig(files, signal);
  await checkHead(chosen, definition, config, files);
  await checkQuantized(new Config(config, describeFile(files, 'config.json')));
  if (loaded === undefined) soon(codeFor(config));
  const [make, processors] = await Promise.all([
    definition.load(files, signal),
    loadProcessors(definition.needs, files, signal),
  ]);
  const model = (await usable(loaded)) ?? (await loadFor(definition.heads ?? [], files, options));
  const dispose = (): void => {
    if (loaded === undefined) model.dispose();
  };
  const parts = { task: chosen, model, ...processors, dispose, [Symbol.dispose]: dispose };
  try {
    const made: object = Object.assign(make(parts), parts);
    return made as Pipelines[Name];
  } catch (error) {
    dispose();
    throw error;
  }
}

/** A model that was given, where it is one that works. Errors: OPTION_INVALID, DISPOSED. */
async function usable(model: Model | undefined): Promise<Model | undefined> {
  if (model === undefined) return undefined;
  if (!hasMethod(model, 'forward')) {
    throw new TransformerError(
      'OPTION_INVALID',
      `model is ${show(model)}; wanted what loadModel resolves with, or none.`,
    );
  }
  await model.ready?.();
  return model;
}

/** Lets something begin of which a later call tells how it ends. */
function soon(begun: Promise<unknown>): void {
  begun.catch(() => {});
}

/** Refuses a checkpoint that is another task's, by its head and inputs, before its weights are read. */
async function checkHead(
  wanted: keyof Tasks,
  definition: Pick<TaskDefinition<unknown, never>, 'takes' | 'heads'>,
  config: JsonObject,
  files: Source,
): Promise<void> {
  const modalities = await modalitiesOf(config);
  const name = className(config);
  // What model_type names no family is told by who loads it.
  if (modalities.length === 0 || fits(definition, modalities, name)) return;
  const tasks = await tasksOf(config, name);
  throw new TransformerError(
    'MODEL_UNSUPPORTED',
    `${describeFile(files, 'config.json')} describes a ${name ?? show(config['model_type'])}, which does not ` +
      `fit ${wanted} (…${definition.heads?.join(' or …') ?? ''}). It fits ` +
      `${tasks.join(', ')}; or load another checkpoint.`,
  );
}
