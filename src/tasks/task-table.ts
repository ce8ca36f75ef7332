// The tasks: what each is called with and gives; of those on texts also of which code it is made, and which
// checkpoints fit it. media-tasks.ts has the others.

import { modalitiesOf } from '../model/architectures.ts';
import type { Modality } from '../model/family.ts';
import { nearestName, TransformerError } from '../runtime/errors.ts';
import { show } from '../runtime/print.ts';
import type { JsonObject } from '../source/json.ts';
import type { AudioClassification } from './sound/audio-classification.ts';
import type { SpeechRecognition } from './sound/automatic-speech-recognition.ts';
import type { Embeddings, SentenceSimilarity } from './text/embeddings.ts';
import type { FeatureExtraction } from './text/feature-extraction.ts';
import type { FillMask } from './text/fill-mask.ts';
import type { ImageClassification } from './image/image-classification.ts';
import type { ImageFeatureExtraction } from './image/image-feature-extraction.ts';
import type { ImageToText } from './image/image-to-text.ts';
import type { ObjectDetection } from './image/object-detection.ts';
import type { QuestionAnswering } from './text/question-answering.ts';
import { generating, type Kind, task, type TaskDefinition } from './task-definition.ts';
import type { TextClassification } from './text/text-classification.ts';
import type { TextGeneration } from './text/text-generation.ts';
import type { TextRanking } from './text/text-ranking.ts';
import type { GeneratedText } from './generation.ts';
import type { Summary, TextToText } from './text/text-to-text.ts';
import type { TokenClassification } from './text/token-classification.ts';
import type { TranslationTask } from './text/translation.ts';
import type { UnconditionalImageGeneration } from './image/unconditional-image-generation.ts';
import type { ZeroShotClassification } from './text/zero-shot-classification.ts';
import type { ZeroShotImageClassification } from './image/zero-shot-image-classification.ts';

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
  'object-detection': ObjectDetection;
  'unconditional-image-generation': UnconditionalImageGeneration;
  'image-feature-extraction': ImageFeatureExtraction;
}

/** The same of those that take both. */
interface TextAndImageTasks {
  'image-to-text': ImageToText;
  'zero-shot-image-classification': ZeroShotImageClassification;
}

/** The same of those that take sound. */
interface AudioTasks {
  'audio-classification': AudioClassification;
}

/** The same of those that take sound and give texts. */
interface SpeechTasks {
  'automatic-speech-recognition': SpeechRecognition;
}

/** All that take more than texts. */
export interface MediaTasks extends ImageTasks, TextAndImageTasks, AudioTasks, SpeechTasks {}

/** What a pipeline of each task is called with and gives. */
export interface Tasks extends TextTasks, MediaTasks {}

/** What each task brings its inputs to a model with, and its results back. */
export interface Needs
  extends
    Readonly<Record<keyof TextTasks, 'tokenizer'>>,
    Readonly<Record<keyof ImageTasks, 'imageProcessor'>>,
    Readonly<Record<keyof TextAndImageTasks, 'imageProcessor' | 'tokenizer'>>,
    Readonly<Record<keyof AudioTasks, 'featureExtractor'>>,
    Readonly<Record<keyof SpeechTasks, 'featureExtractor' | 'tokenizer'>> {}

/** Other names of tasks. */
export const aliases = {
  ner: 'token-classification',
  're-ranking': 'text-ranking',
  'sentiment-analysis': 'text-classification',
} as const;

/** How tasks of these names are made. */
export type Definitions<Name extends keyof Tasks> = {
  readonly [Task in Name]: TaskDefinition<Tasks[Task], Needs[Task]>;
};

const texts: Kind<'tokenizer'> = { takes: 'text', needs: ['tokenizer'] };

const classifiers = ['ForSequenceClassification'];
const causal = ['ForCausalLM', 'LMHeadModel'];
const seq2seq = ['ForConditionalGeneration', 'MTModel', 'ForSeq2SeqLM', 'WithLMHeadModel'];

const textTasks: Definitions<keyof TextTasks> = {
  embeddings: task(
    texts,
    () => import('./text/embeddings.ts'),
    ({ embeddings }, ...from) => embeddings(...from),
  ),
  'feature-extraction': task(
    texts,
    () => import('./text/feature-extraction.ts'),
    ({ featureExtraction }) => featureExtraction,
  ),
  'fill-mask': task(
    texts,
    () => import('./text/fill-mask.ts'),
    ({ fillMask }) => fillMask,
    ['ForMaskedLM', 'ForPreTraining'],
  ),
  'question-answering': task(
    texts,
    () => import('./text/question-answering.ts'),
    ({ questionAnswering }) => questionAnswering,
    ['ForQuestionAnswering'],
  ),
  'sentence-similarity': task(
    texts,
    () => import('./text/embeddings.ts'),
    ({ sentenceSimilarity }, ...from) => sentenceSimilarity(...from),
  ),
  summarization: task(
    texts,
    () => generating(import('./text/text-to-text.ts')),
    ({ summarization }) => summarization,
    seq2seq,
  ),
  'text-classification': task(
    texts,
    () => import('./text/text-classification.ts'),
    ({ textClassification }) => textClassification,
    classifiers,
  ),
  'text-generation': task(
    texts,
    () => generating(import('./text/text-generation.ts')),
    ({ textGeneration }) => textGeneration,
    causal,
  ),
  'text-ranking': task(
    texts,
    () => import('./text/text-ranking.ts'),
    ({ rankingOf }, ...from) => rankingOf(...from),
    [...classifiers, ...causal],
  ),
  'text2text-generation': task(
    texts,
    () => generating(import('./text/text-to-text.ts')),
    ({ text2textGeneration }) => text2textGeneration,
    seq2seq,
  ),
  'token-classification': task(
    texts,
    () => import('./text/token-classification.ts'),
    ({ tokenClassification }) => tokenClassification,
    ['ForTokenClassification'],
  ),
  translation: task(
    texts,
    () => generating(import('./text/translation.ts')),
    ({ translation }) => translation,
    seq2seq,
  ),
  'zero-shot-classification': task(
    texts,
    () => import('./text/zero-shot-classification.ts'),
    ({ zeroShotClassification }) => zeroShotClassification,
    classifiers,
  ),
};

/** All tasks; those on images and sound are loaded with the first need. */
async function allTasks(): Promise<Definitions<keyof Tasks>> {
  const { mediaTasks } = await import('./media-tasks.ts');
  return { ...textTasks, ...mediaTasks };
}

/** How the task of this name is made. */
export async function definitionOf<Name extends keyof Tasks>(
  name: Name,
): Promise<TaskDefinition<Tasks[Name], Needs[Name]>> {
  const isOfTexts = Object.hasOwn(textTasks, name);
  // The name is one of those that it has.
  const tasks = isOfTexts ? (textTasks as Definitions<keyof Tasks>) : await allTasks();
  return tasks[name];
}

/** The task of this name, or of another name of it. Errors: OPTION_INVALID. */
export async function taskNamed(given: unknown): Promise<keyof Tasks> {
  const name = typeof given === 'string' ? given : show(given);
  const known = Object.hasOwn(aliases, name) ? aliases[name as keyof typeof aliases] : name;
  if (Object.hasOwn(textTasks, known)) return known as keyof TextTasks;
  const tasks = await allTasks();
  if (Object.hasOwn(tasks, known)) return known as keyof Tasks;
  const names = [...Object.keys(tasks), ...Object.keys(aliases)];
  const nearest = nearestName(name, names);
  throw new TransformerError(
    'OPTION_INVALID',
    `There is no task "${name}"; there is ${names.join(', ')}.` +
      (nearest === undefined ? '' : ` Did you mean "${nearest}"?`),
  );
}

/** Whether a checkpoint fits a task, by what its model takes and, where it names a class, by the end of that. */
export function fits(
  { takes, heads = [''] }: Pick<TaskDefinition<unknown, never>, 'takes' | 'heads'>,
  modalities: readonly Modality[],
  architecture: string | undefined,
): boolean {
  const hasHead = architecture === undefined || heads.some((head) => architecture.endsWith(head));
  return hasHead && modalities.includes(takes);
}

/** The tasks that a checkpoint fits. */
export async function tasksOf(
  config: JsonObject,
  architecture: string | undefined,
): Promise<string[]> {
  const modalities = await modalitiesOf(config);
  return Object.entries(await allTasks())
    .filter(([, definition]) => fits(definition, modalities, architecture))
    .map(([name]) => name);
}
