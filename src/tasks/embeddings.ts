// One vector a text, as sentence-transformers gives it, and how alike texts are (Reimers & Gurevych
// 2019, arXiv 1908.10084).

import type { DenseTensor } from '../model/inputs.ts';
import type { Source } from '../source/source.ts';
import { embed } from './feature-extraction.ts';
import { cosineSimilarity, dot } from './pooling.ts';
import { readSentenceModules, type SentenceModules } from './sentence-modules.ts';
import { checkOptions, checkText, encodeText, mostTokens, type TaskParts } from './task.ts';

export interface EmbeddingOptions {
  /** Brings vectors to length 1; as the checkpoint says when absent. */
  normalize?: boolean;
  /** Put before each text; the checkpoint's own default when absent. */
  prompt?: string;
  signal?: AbortSignal;
}

export interface Embeddings {
  /** (N, d), one row a text. Texts longer than the checkpoint reads are cut. */
  (text: string | readonly string[], options?: EmbeddingOptions): Promise<DenseTensor>;
}

export interface SimilarityInput {
  sourceSentence: string;
  sentences: readonly string[];
}

export interface SentenceSimilarity {
  /** How alike each sentence is to the source: by default the cosine of their vectors. */
  (input: SimilarityInput, options?: EmbeddingOptions): Promise<number[]>;
}

/** The task for a checkpoint, whose settings are read before its weights. Errors: MODEL_UNSUPPORTED */
export async function embeddings(
  files: Source,
  signal: AbortSignal | undefined,
): Promise<(parts: TaskParts) => Embeddings> {
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
    return async ({ sourceSentence, sentences }, options) => {
      const { data, shape } = await embedAll([sourceSentence, ...sentences], options);
      const size = shape[1] ?? 1;
      const vector = (index: number): Float32Array =>
        data.subarray(index * size, (index + 1) * size);
      const alike = modules.similarity === 'dot' ? dot : cosineSimilarity;
      return sentences.map((_, index) => alike(vector(0), vector(index + 1)));
    };
  };
}

function embedder(parts: TaskParts, modules: SentenceModules, task: string): Embeddings {
  const maxLength = Math.min(modules.maxLength ?? Infinity, mostTokens(parts));
  return async (text, options = {}) => {
    checkOptions(task, options, { normalize: 'boolean', prompt: 'text', signal: 'signal' });
    const { normalize = modules.normalize, prompt = modules.prompt, signal } = options;
    const rows = [text].flat().map((one) => {
      const trimmed = (prompt + checkText('The text', one)).trim();
      const read = modules.lowerCase ? trimmed.toLowerCase() : trimmed;
      return encodeText(parts, read, undefined, 'longest', maxLength);
    });
    return embed(parts, rows, { task, pooling: modules.pooling, normalize, signal });
  };
}
