// One vector a text, as sentence-transformers gives it, and how alike texts are (Reimers & Gurevych
// 2019, arXiv 1908.10084).

import type { DenseTensor } from '../../model/inputs/inputs.ts';
import type { Source } from '../../source/source.ts';
import type { Encoding } from '../../tokenizer/template.ts';
import { eachText } from '../batches.ts';
import { fieldsOf } from '../../runtime/errors.ts';
import { embed, type EmbedSettings, vectors } from './feature-extraction.ts';
import { type Halved, type Halves, halves } from '../halves.ts';
import { cosineSimilarity, dot, normalized } from '../pooling.ts';
import type { Layer } from './sentence-layers.ts';
import { readSentenceModules, type SentenceModules, type Similarity } from './sentence-modules.ts';
import { lowerCase, promptOf } from './sentence-settings.ts';
import {
  checkOptions,
  checkText,
  encodeText,
  listOf,
  mostTokens,
  notAmong,
  type TaskParts,
  wrongInput,
} from '../task.ts';

/** How texts become vectors. */
export interface EmbeddingOptions {
  /** Brings vectors to length 1; as the checkpoint says when absent. */
  normalize?: boolean;
  /** Put before each text; the checkpoint's own default when absent. */
  prompt?: string;
  /** A prompt of the checkpoint by its name, such as `query`; and the way that such texts go where it has a Router. */
  promptName?: string;
  /** Numbers kept of each vector, before it is normalized; as the checkpoint says when absent. */
  truncateDim?: number;
  /** Cancels the call, which then rejects with `ABORTED`. */
  signal?: AbortSignal;
}

export interface Embeddings {
  /** (N, d), one row a text. Texts longer than the checkpoint reads are cut. */
  (text: string | readonly string[], options?: EmbeddingOptions): Promise<DenseTensor>;
}

/** A text, and those that it is compared with. */
export interface SimilarityInput {
  /** The text. */
  sourceSentence: string;
  /** What it is compared with. */
  sentences: readonly string[];
}

export interface SentenceSimilarity {
  /** How alike each sentence is to the source: by default the cosine of their vectors. */
  (input: SimilarityInput, options?: EmbeddingOptions): Promise<number[]>;
}

/** Texts are cut where `truncation` is not false. */
type HalvedEmbeddings = Halved<
  EmbeddingOptions & { truncation?: boolean },
  string,
  Encoding,
  Float32Array
>;

/** The task for a checkpoint, whose settings are read before its weights. Errors: MODEL_UNSUPPORTED */
export async function embeddings(
  files: Source,
  signal: AbortSignal | undefined,
): Promise<(parts: TaskParts) => Embeddings & HalvedEmbeddings> {
  const modules = await readSentenceModules(files, signal);
  return (parts) => embedder(parts, modules, 'embeddings');
}

/** The same for the likeness of sentences. */
export async function sentenceSimilarity(
  files: Source,
  signal: AbortSignal | undefined,
): Promise<(parts: TaskParts) => SentenceSimilarity> {
  const modules = await readSentenceModules(files, signal);
  return (parts) => {
    const embedAll = embedder(parts, modules, 'sentence-similarity');
    return async (input, options) => {
      const { sourceSentence, sentences } = checkSentences(input);
      const { data, shape } = await embedAll([sourceSentence, ...sentences], options);
      const size = shape[1] ?? 1;
      const vector = (index: number): Float32Array =>
        data.subarray(index * size, (index + 1) * size);
      const alike = similarityOf[modules.similarity];
      return sentences.map((_, index) => alike(vector(0), vector(index + 1)));
    };
  };
}

function checkSentences(input: unknown): SimilarityInput {
  const { sourceSentence, sentences } = Object.fromEntries(fieldsOf(input, 'The input'));
  if (Array.isArray(sentences)) {
    return {
      sourceSentence: checkText('sourceSentence', sourceSentence),
      sentences: listOf<unknown>(sentences).map((one) => checkText('A sentence', one)),
    };
  }
  throw wrongInput('sentences', sentences, 'an array of strings');
}

type Compare = (a: Float32Array, b: Float32Array) => number;

/** Greater is more alike: distances count as negative. */
const similarityOf: Readonly<Record<Similarity, Compare>> = {
  cosine: cosineSimilarity,
  dot,
  euclidean: (a, b) => -Math.sqrt(a.reduce((sum, x, i) => sum + (x - (b[i] ?? 0)) ** 2, 0)),
  manhattan: (a, b) => -a.reduce((sum, x, i) => sum + Math.abs(x - (b[i] ?? 0)), 0),
};

function embedder(
  parts: TaskParts,
  modules: SentenceModules,
  task: string,
): Embeddings & HalvedEmbeddings {
  const { maxPositions } = parts.model;
  const maxLength = Math.min(modules.maxLength ?? mostTokens(parts), maxPositions);
  const read = (text: string): string => (modules.lowerCase ? lowerCase(text) : text);
  /** How texts are read with these options, and what becomes of their vectors. */
  const settled = (
    options: EmbeddingOptions,
    truncation = true,
  ): { encode: (text: string) => Encoding; settings: EmbedSettings } => {
    checkOptions(task, options, {
      normalize: 'boolean',
      prompt: 'text',
      promptName: 'text',
      truncateDim: 'count',
      signal: 'signal',
    });
    const { normalize, truncateDim = modules.truncateDim, signal } = options;
    const prompt = promptOf(modules, options, routesOf(modules));
    const layers = layersFor(modules, options.promptName).filter(
      (layer) => layer !== normalized || normalize !== false,
    );
    const truncate = truncation ? 'longest' : undefined;
    return {
      encode: (text) => {
        const whole = read(prompt + checkText('The text', text));
        return encodeText(parts, whole, undefined, truncate, maxLength);
      },
      settings: {
        task,
        pooling: modules.pooling,
        skipped: modules.includePrompt || prompt === '' ? 0 : promptLength(parts, read(prompt)),
        finish: (vector) => {
          const last = layers.reduce((made, layer) => layer(made), vector);
          return truncateDim === undefined ? last : last.subarray(0, truncateDim);
        },
        normalize: normalize === true,
        signal,
      },
    };
  };
  const call: Embeddings = async (text, options = {}) => {
    const { encode, settings } = settled(options);
    const rows = await eachText(listOf(text), settings.signal, encode);
    return embed(parts, rows, settings);
  };
  return Object.assign(call, {
    [halves]: ({
      truncation,
      ...options
    }: EmbeddingOptions & { truncation?: boolean }): Halves<string, Encoding, Float32Array> => {
      const { encode, settings } = settled(options, truncation);
      return { limit: maxLength, encode, run: (rows) => vectors(parts, rows, settings) };
    },
  });
}

/** The layers of texts of this kind. @throws TransformerError OPTION_INVALID where a Router knows none */
function layersFor({ layers }: SentenceModules, name: string | undefined): readonly Layer[] {
  return layers.flatMap((layer) => {
    if (!('routes' in layer)) return [layer];
    const route =
      layer.routes.get(name ?? layer.usual ?? '') ?? layer.routes.get(layer.usual ?? '');
    if (route !== undefined) return route;
    throw notAmong('promptName', name, [...layer.routes.keys()]);
  });
}

/** The ways that texts go through a Router. */
function routesOf({ layers }: SentenceModules): string[] {
  return layers.flatMap((layer) => ('routes' in layer ? [...layer.routes.keys()] : []));
}

/** Tokens of a prompt by itself, without one that ends a text. */
function promptLength({ tokenizer }: TaskParts, prompt: string): number {
  const { ids, textIndex } = tokenizer.encoding(prompt);
  return ids.length - (textIndex.at(-1) === undefined ? 1 : 0);
}
