// A model's answers to many texts, and how many of them are right: for `evaluate`, and for `train`
// between two steps.

import type { Model } from '../index.node.ts';
import type { Phrase } from '../phrases/phrases.ts';
import type { Tokenizer } from '../tasks/tokenizer.ts';

/** A text as the model reads it, target language included, and what is right to answer. */
export interface Example {
  readonly source: string;
  readonly answers: readonly string[];
}

export interface AnswerOptions {
  /** Texts side by side. */
  readonly batchSize?: number;
  /** Tokens after which an answer is cut; the model's own greatest length by default. */
  readonly longest?: number;
  readonly signal?: AbortSignal | undefined;
  /** Told how many texts are answered. */
  readonly onProgress?: (done: number) => void;
}

/** Greedy answers, one a text. */
export async function answer(
  model: Model,
  tokenizer: Tokenizer,
  texts: readonly string[],
  { batchSize = 48, longest = Infinity, signal, onProgress }: AnswerOptions = {},
): Promise<string[]> {
  const answers: string[] = [];
  for (let first = 0; first < texts.length; first += batchSize) {
    const rows = texts.slice(first, first + batchSize).map((text) => tokenizer.encode(text));
    const length = Math.max(...rows.map((row) => row.length));
    const fill = (row: readonly number[]): number[] => Array<number>(length - row.length).fill(0);
    const inputs = {
      inputIds: rows.map((row) => [...row, ...fill(row)]),
      attentionMask: rows.map((row) => [...row.map(() => 1), ...fill(row)]),
    };
    const sequences = rows.map((): number[] => []);
    let tokens = 0;
    for await (const { tokenIds } of model.stream(inputs, signal ? { signal } : {})) {
      for (const [row, sequence] of sequences.entries()) sequence.push(tokenIds[row] ?? 0);
      tokens += 1;
      if (tokens >= longest) break;
    }
    for (const sequence of sequences) answers.push(tokenizer.decode(sequence));
    onProgress?.(answers.length);
  }
  return answers;
}

/** The part of the examples that the model answers right, from 0 to 1. */
export async function exactMatch(
  model: Model,
  tokenizer: Tokenizer,
  examples: readonly Example[],
  signal: AbortSignal,
): Promise<number> {
  // No answer is followed beyond the longest right one, end token included: it would be wrong.
  const lengths = examples.flatMap(({ answers }) => answers.map((one) => tokenizer.encode(one)));
  const longest = Math.max(...lengths.map(({ length }) => length)) + 1;
  const texts = examples.map(({ source }) => source);
  const answers = await answer(model, tokenizer, texts, { longest, signal });
  const right = examples.filter((example, index) => example.answers.includes(answers[index] ?? ''));
  return right.length / examples.length;
}

/** A phrase as the multilingual models read it. */
export function phraseSource({ to, text }: Phrase): string {
  return `>>${to}<<${text}`;
}

/** The languages of phrases that a tokenizer has no token for. */
export function missingLanguages(tokenizer: Tokenizer, languages: readonly string[]): string[] {
  const tokens = new Set(tokenizer.vocabulary());
  return languages.filter((language) => !tokens.has(`>>${language}<<`));
}
