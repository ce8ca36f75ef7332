// pipeline(task, source): a model and its tokenizer, ready for text in and results out.

import type { JsonObject } from '../source/json.ts';
import { codeFor } from '../model/architectures.ts';
import { Config } from '../model/config.ts';
import { className } from '../model/heads/head-name.ts';
import { loadFor, type LoadOptions } from '../model/load.ts';
import type { Model } from '../model/model.ts';
import { type ModelSource, openSource } from '../source/open-source.ts';
import { checkQuantized } from '../model/weights/quantization-fields.ts';
import { readConfig } from '../model/read-configs.ts';
import { describeFile, type Source } from '../source/source.ts';
import { trusting } from '../source/trust.ts';
import { nearestName, TransformerError } from '../runtime/errors.ts';
import { show } from '../runtime/print.ts';
import type { Embeddings, SentenceSimilarity } from './embeddings.ts';
import type { FeatureExtraction } from './feature-extraction.ts';
import type { FillMask } from './fill-mask.ts';
import type { QuestionAnswering } from './question-answering.ts';
import type { TaskParts } from './task.ts';
import type { TextClassification } from './text-classification.ts';
import type { TextGeneration } from './text-generation.ts';
import type { TextRanking } from './text-ranking.ts';
import type { GeneratedText, Summary, TextToText } from './text-to-text.ts';
import type { TokenClassification } from './token-classification.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { TranslationTask } from './translation.ts';
import type { ZeroShotClassification } from './zero-shot-classification.ts';

/** What a pipeline of each task is called with and gives. */
export interface Tasks {
  embeddings: Embeddings;
  'feature-extraction': FeatureExtraction;
  'fill-mask': FillMask;
  'question-answering': QuestionAnswering;
  'sentence-similarity': SentenceSimilarity;
  summarization: TextToText<Summary>;
  'text-classification': TextClassification;
  'text-generation': TextGeneration;
  'text-ranking': TextRanking;
  'text2text-generation': TextToText<GeneratedText>;
  'token-classification': TokenClassification;
  translation: TranslationTask;
  'zero-shot-classification': ZeroShotClassification;
}

/** Other names of tasks. */
const aliases = {
  ner: 'token-classification',
  're-ranking': 'text-ranking',
  'sentiment-analysis': 'text-classification',
} as const;

type Aliases = typeof aliases;

/** The checkpoint that a pipeline holds until `dispose`. */
export interface PipelineParts {
  readonly task: keyof Tasks;
  readonly model: Model;
  readonly tokenizer: Tokenizer;
  /** Frees the model. */
  dispose(): void;
  [Symbol.dispose](): void;
}

/** The pipelines by the names of their tasks. */
export type Pipelines = {
  [Task in keyof Tasks | keyof Aliases]: PipelineParts &
    Tasks[Task extends keyof Aliases ? Aliases[Task] : Task extends keyof Tasks ? Task : never];
};

export type TranslationPipeline = Pipelines['translation'];

type Make<Task> = (parts: TaskParts) => Task;
type Awaitable<T> = T | Promise<T>;

/** How a task's code and settings are loaded, and the ends of the class names of checkpoints that fit; any when absent. */
interface TaskDefinition<Task> {
  /** Asks for the code, of which a page loads that of the tasks that it names alone. */
  readonly code: () => Promise<unknown>;
  readonly load: (files: Source, signal: AbortSignal | undefined) => Promise<Make<Task>>;
  readonly heads?: readonly string[];
}

function task<Code, Task>(
  code: () => Promise<Code>,
  make: (code: Code, ...from: Parameters<TaskDefinition<Task>['load']>) => Awaitable<Make<Task>>,
  heads?: readonly string[],
): TaskDefinition<Task> {
  return { code, load: async (...from) => make(await code(), ...from), ...(heads && { heads }) };
}

/** With the code that is needed once a model generates. */
async function generating<Code>(code: Promise<Code>): Promise<Code> {
  const [own] = await Promise.all([code, import('../model/generation/generation.ts')]);
  return own;
}

const classifiers = ['ForSequenceClassification'];
const seq2seq = ['ForConditionalGeneration', 'MTModel', 'ForSeq2SeqLM', 'WithLMHeadModel'];

const definitions: { readonly [Task in keyof Tasks]: TaskDefinition<Tasks[Task]> } = {
  embeddings: task(
    () => import('./embeddings.ts'),
    ({ embeddings }, ...from) => embeddings(...from),
  ),
  'feature-extraction': task(
    () => import('./feature-extraction.ts'),
    ({ featureExtraction }) => featureExtraction,
  ),
  'fill-mask': task(
    () => import('./fill-mask.ts'),
    ({ fillMask }) => fillMask,
    ['ForMaskedLM', 'ForPreTraining'],
  ),
  'question-answering': task(
    () => import('./question-answering.ts'),
    ({ questionAnswering }) => questionAnswering,
    ['ForQuestionAnswering'],
  ),
  'sentence-similarity': task(
    () => import('./embeddings.ts'),
    ({ sentenceSimilarity }, ...from) => sentenceSimilarity(...from),
  ),
  summarization: task(
    () => generating(import('./text-to-text.ts')),
    ({ summarization }) => summarization,
    seq2seq,
  ),
  'text-classification': task(
    () => import('./text-classification.ts'),
    ({ textClassification }) => textClassification,
    classifiers,
  ),
  'text-generation': task(
    () => generating(import('./text-generation.ts')),
    ({ textGeneration }) => textGeneration,
    ['ForCausalLM', 'LMHeadModel'],
  ),
  'text-ranking': task(
    () => import('./text-ranking.ts'),
    ({ rankingOf }, ...from) => rankingOf(...from),
    classifiers,
  ),
  'text2text-generation': task(
    () => generating(import('./text-to-text.ts')),
    ({ text2textGeneration }) => text2textGeneration,
    seq2seq,
  ),
  'token-classification': task(
    () => import('./token-classification.ts'),
    ({ tokenClassification }) => tokenClassification,
    ['ForTokenClassification'],
  ),
  translation: task(
    () => generating(import('./translation.ts')),
    ({ translation }) => translation,
    seq2seq,
  ),
  'zero-shot-classification': task(
    () => import('./zero-shot-classification.ts'),
    ({ zeroShotClassification }) => zeroShotClassification,
    classifiers,
  ),
};

/**
 * Loads a checkpoint with its tokenizer for a task. `source` and `options` are those of `loadModel`.
 * Errors: those of `loadModel`; OPTION_INVALID for an unknown task; MODEL_UNSUPPORTED for a
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
  soon(import('../tokenizer/tokenizer.ts'));
  const config = await readConfig(files, signal);
  checkHead(chosen, config, files);
  await checkQuantized(new Config(config, describeFile(files, 'config.json')));
  soon(codeFor(config));
  const [make, { Tokenizer: Loaded }] = await Promise.all([
    definition.load(files, signal),
    import('../tokenizer/tokenizer.ts'),
  ]);
  const tokenizer = await trusting(files, undefined, () => Loaded.load(files, signal));
  const model = await loadFor(definition.heads ?? [], files, options);
  const dispose = (): void => model.dispose();
  const parts: PipelineParts = {
    task: chosen,
    model,
    tokenizer,
    dispose,
    [Symbol.dispose]: dispose,
  };
  try {
    return Object.assign(make(parts), parts) as Pipelines[Name];
  } catch (error) {
    dispose();
    throw error;
  }
}

/** Lets something begin of which a later call tells how it ends. */
function soon(begun: Promise<unknown>): void {
  begun.catch(() => {});
}

function definitionOf<Task extends keyof Tasks>(name: Task): TaskDefinition<Tasks[Task]> {
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

/** The tasks that a checkpoint of this class fits, by the end of its name. */
export function tasksOf(architecture: string): string[] {
  const fits = ({ heads }: TaskDefinition<unknown>): boolean =>
    heads === undefined || heads.some((head) => architecture.endsWith(head));
  return Object.entries(definitions)
    .filter(([, definition]) => fits(definition))
    .map(([name]) => name);
}

/** Refuses a checkpoint whose head is another task's, before its weights are read. */
function checkHead(wanted: keyof Tasks, config: JsonObject, files: Source): void {
  const name = className(config);
  if (name === undefined) return;
  const tasks = tasksOf(name);
  if (tasks.includes(wanted)) return;
  throw new TransformerError(
    'MODEL_UNSUPPORTED',
    `${describeFile(files, 'config.json')} describes a ${name}, which does not fit ${wanted} ` +
      `(…${definitions[wanted].heads?.join(' or …') ?? ''}). It fits ` +
      `${tasks.join(', ')}; or load another checkpoint.`,
  );
}
