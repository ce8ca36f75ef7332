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
import { nearestName, TransformerError } from '../runtime/errors.ts';
import { show } from '../runtime/print.ts';
import { loadProcessors, processorCode, type Processors } from './processors.ts';
import {
  aliases,
  definitions,
  type Needs,
  type TaskDefinition,
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

export type TranslationPipeline = Pipelines['translation'];

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
  options: LoadOptions = {},
): Promise<Pipelines[Name]> {
  const chosen = taskOf(name);
  const definition = definitionOf(chosen);
  const files = openSource(source, options);
  const { signal } = options;
  // A first call waits for one answer after the other: code that is sure to be needed comes meanwhile.
  soon(definition.code());
  soon(processorCode(definition.needs));
  const config = await readConfig(files, signal);
  checkHead(chosen, config, files);
  await checkQuantized(new Config(config, describeFile(files, 'config.json')));
  soon(codeFor(config));
  const [make, processors] = await Promise.all([
    definition.load(files, signal),
    loadProcessors(definition.needs, files, signal),
  ]);
  const model = await loadFor(definition.heads ?? [], files, options);
  const dispose = (): void => model.dispose();
  const parts = { task: chosen, model, ...processors, dispose, [Symbol.dispose]: dispose };
  try {
    const made: object = Object.assign(make(parts), parts);
    return made as Pipelines[Name];
  } catch (error) {
    dispose();
    throw error;
  }
}

/** Lets something begin of which a later call tells how it ends. */
function soon(begun: Promise<unknown>): void {
  begun.catch(() => {});
}

function definitionOf<Task extends keyof Tasks>(
  name: Task,
): TaskDefinition<Tasks[Task], Needs[Task]> {
  return definitions[name];
}

/** The task of a name. Errors: OPTION_INVALID. */
function taskOf(given: unknown): keyof Tasks {
  const name = typeof given === 'string' ? given : show(given);
  const known = Object.hasOwn(aliases, name) ? aliases[name as keyof Aliases] : name;
  if (Object.hasOwn(definitions, known)) return known as keyof Tasks;
  const names = [...Object.keys(definitions), ...Object.keys(aliases)];
  const nearest = nearestName(name, names);
  throw new TransformerError(
    'OPTION_INVALID',
    `There is no task "${name}"; there is ${names.join(', ')}.` +
      (nearest === undefined ? '' : ` Did you mean "${nearest}"?`),
  );
}

/** Refuses a checkpoint that is another task's, by its head and inputs, before its weights are read. */
function checkHead(wanted: keyof Tasks, config: JsonObject, files: Source): void {
  // What model_type names no family is told by who loads it.
  if (modalitiesOf(config).length === 0) return;
  const name = className(config);
  const tasks = tasksOf(config, name);
  if (tasks.includes(wanted)) return;
  throw new TransformerError(
    'MODEL_UNSUPPORTED',
    `${describeFile(files, 'config.json')} describes a ${name ?? show(config['model_type'])}, which does not ` +
      `fit ${wanted} (…${definitions[wanted].heads?.join(' or …') ?? ''}). It fits ` +
      `${tasks.join(', ')}; or load another checkpoint.`,
  );
}
