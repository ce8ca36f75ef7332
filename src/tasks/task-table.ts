// The tasks: what each is called with and gives, of which code it is made, and which checkpoints fit it.

import { modalitiesOf } from '../model/architectures.ts';
import type { Modality } from '../model/family.ts';
import type { Model } from '../model/model.ts';
import type { JsonObject } from '../source/json.ts';
import type { Source } from '../source/source.ts';
import type { Embeddings, SentenceSimilarity } from './embeddings.ts';
import type { FeatureExtraction } from './feature-extraction.ts';
import type { FillMask } from './fill-mask.ts';
import type { ImageClassification } from './image-classification.ts';
import type { ImageFeatureExtraction } from './image-feature-extraction.ts';
import type { ProcessorName, Processors } from './processors.ts';
import type { QuestionAnswering } from './question-answering.ts';
import type { TextClassification } from './text-classification.ts';
import type { TextGeneration } from './text-generation.ts';
import type { TextRanking } from './text-ranking.ts';
import type { GeneratedText, Summary, TextToText } from './text-to-text.ts';
import type { TokenClassification } from './token-classification.ts';
import type { TranslationTask } from './translation.ts';
import type { ZeroShotClassification } from './zero-shot-classification.ts';
import type { ZeroShotImageClassification } from './zero-shot-image-classification.ts';

/** What a pipeline of each task is called with and gives, of those that take texts. */
interface TextTasks {
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

/** The same of those that take images. */
interface ImageTasks {
  'image-classification': ImageClassification;
  'image-feature-extraction': ImageFeatureExtraction;
}

/** The same of those that take both. */
interface TextAndImageTasks {
  'zero-shot-image-classification': ZeroShotImageClassification;
}

/** What a pipeline of each task is called with and gives. */
export interface Tasks extends TextTasks, ImageTasks, TextAndImageTasks {}

/** What each task brings its inputs to a model with, and its results back. */
export interface Needs
  extends
    Readonly<Record<keyof TextTasks, 'tokenizer'>>,
    Readonly<Record<keyof ImageTasks, 'imageProcessor'>>,
    Readonly<Record<keyof TextAndImageTasks, 'imageProcessor' | 'tokenizer'>> {}

/** Other names of tasks. */
export const aliases = {
  ner: 'token-classification',
  're-ranking': 'text-ranking',
  'sentiment-analysis': 'text-classification',
} as const;

/** What a task is made from. */
type Parts<Need extends ProcessorName> = { readonly model: Model } & Pick<Processors, Need>;
type Make<Task, Need extends ProcessorName> = (parts: Parts<Need>) => Task;
type Awaitable<T> = T | Promise<T>;

/** What people give a task, and what it needs between these and a model. */
interface Kind<Need extends ProcessorName> {
  readonly takes: Modality;
  readonly needs: readonly Need[];
}

/** How a task's code and settings are loaded, and which checkpoints fit it. */
export interface TaskDefinition<Task, Need extends ProcessorName> extends Kind<Need> {
  /** Asks for the code, of which a page loads that of the tasks that it names alone. */
  readonly code: () => Promise<unknown>;
  readonly load: (files: Source, signal: AbortSignal | undefined) => Promise<Make<Task, Need>>;
  /** The ends of the class names of checkpoints that fit; any when absent. */
  readonly heads?: readonly string[];
}

function task<Code, Task, Need extends ProcessorName>(
  kind: Kind<Need>,
  code: () => Promise<Code>,
  make: (
    code: Code,
    ...from: Parameters<TaskDefinition<Task, Need>['load']>
  ) => Awaitable<Make<Task, Need>>,
  heads?: readonly string[],
): TaskDefinition<Task, Need> {
  const load: TaskDefinition<Task, Need>['load'] = async (...from) => make(await code(), ...from);
  return { ...kind, code, load, ...(heads && { heads }) };
}

/** With the code that is needed once a model generates. */
async function generating<Code>(code: Promise<Code>): Promise<Code> {
  const [own] = await Promise.all([code, import('../model/generation/generation.ts')]);
  return own;
}

const texts: Kind<'tokenizer'> = { takes: 'text', needs: ['tokenizer'] };
const images: Kind<'imageProcessor'> = { takes: 'image', needs: ['imageProcessor'] };
const textsAndImages: Kind<'imageProcessor' | 'tokenizer'> = {
  takes: 'image',
  needs: ['imageProcessor', 'tokenizer'],
};

const classifiers = ['ForSequenceClassification'];
const seq2seq = ['ForConditionalGeneration', 'MTModel', 'ForSeq2SeqLM', 'WithLMHeadModel'];

type Definitions = { readonly [Task in keyof Tasks]: TaskDefinition<Tasks[Task], Needs[Task]> };

export const definitions: Definitions = {
  embeddings: task(
    texts,
    () => import('./embeddings.ts'),
    ({ embeddings }, ...from) => embeddings(...from),
  ),
  'feature-extraction': task(
    texts,
    () => import('./feature-extraction.ts'),
    ({ featureExtraction }) => featureExtraction,
  ),
  'fill-mask': task(
    texts,
    () => import('./fill-mask.ts'),
    ({ fillMask }) => fillMask,
    ['ForMaskedLM', 'ForPreTraining'],
  ),
  'image-classification': task(
    images,
    () => import('./image-classification.ts'),
    ({ imageClassification }) => imageClassification,
    ['ForImageClassification', 'ForImageClassificationWithTeacher'],
  ),
  'image-feature-extraction': task(
    images,
    () => import('./image-feature-extraction.ts'),
    ({ imageFeatureExtraction }) => imageFeatureExtraction,
  ),
  'question-answering': task(
    texts,
    () => import('./question-answering.ts'),
    ({ questionAnswering }) => questionAnswering,
    ['ForQuestionAnswering'],
  ),
  'sentence-similarity': task(
    texts,
    () => import('./embeddings.ts'),
    ({ sentenceSimilarity }, ...from) => sentenceSimilarity(...from),
  ),
  summarization: task(
    texts,
    () => generating(import('./text-to-text.ts')),
    ({ summarization }) => summarization,
    seq2seq,
  ),
  'text-classification': task(
    texts,
    () => import('./text-classification.ts'),
    ({ textClassification }) => textClassification,
    classifiers,
  ),
  'text-generation': task(
    texts,
    () => generating(import('./text-generation.ts')),
    ({ textGeneration }) => textGeneration,
    ['ForCausalLM', 'LMHeadModel'],
  ),
  'text-ranking': task(
    texts,
    () => import('./text-ranking.ts'),
    ({ rankingOf }, ...from) => rankingOf(...from),
    classifiers,
  ),
  'text2text-generation': task(
    texts,
    () => generating(import('./text-to-text.ts')),
    ({ text2textGeneration }) => text2textGeneration,
    seq2seq,
  ),
  'token-classification': task(
    texts,
    () => import('./token-classification.ts'),
    ({ tokenClassification }) => tokenClassification,
    ['ForTokenClassification'],
  ),
  translation: task(
    texts,
    () => generating(import('./translation.ts')),
    ({ translation }) => translation,
    seq2seq,
  ),
  'zero-shot-classification': task(
    texts,
    () => import('./zero-shot-classification.ts'),
    ({ zeroShotClassification }) => zeroShotClassification,
    classifiers,
  ),
  'zero-shot-image-classification': task(
    textsAndImages,
    () => import('./zero-shot-image-classification.ts'),
    ({ zeroShotImageClassification }) => zeroShotImageClassification,
    ['CLIPModel', 'SiglipModel'],
  ),
};

/** The tasks that a checkpoint fits, by what its model takes and, where it names a class, by the end of that. */
export function tasksOf(config: JsonObject, architecture: string | undefined): string[] {
  const modalities = modalitiesOf(config);
  return Object.entries(definitions)
    .filter(([, { takes, heads = [''] }]) => {
      const fits = architecture === undefined || heads.some((head) => architecture.endsWith(head));
      return fits && modalities.includes(takes);
    })
    .map(([name]) => name);
}
