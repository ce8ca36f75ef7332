// A model's answers to many texts, and how many of them are right: for `evaluate`, and for `train`
// between two steps.

import type { Model } from '../../index.node.ts';
import type { Phrase } from '../../phrases/phrases.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';

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

/** Greedy answers, one a text, in the order of the texts. */
export async function answer(
  model: Model,
  tokenizer: Tokenizer,
  texts: readonly string[],
  { batchSize = 48, longest = Infinity, signal, onProgress }: AnswerOptions = {},
): Promise<string[]> {
  const answers = texts.map(() => '');
  let done = 0;
  for (const { places, inputs } of batchesByLength(tokenizer, texts, batchSize)) {
    const sequences = places.map((): number[] => []);
    let tokens = 0;
    for await (const { tokenIds } of model.stream(inputs, signal ? { signal } : {})) {
      for (const [row, sequence] of sequences.entries()) sequence.push(tokenIds[row] ?? 0);
      tokens += 1;
      if (tokens >= longest) break;
    }
    for (const [row, place] of places.entries())
      answers[place] = tokenizer.decode(sequences[row] ?? []);
    done += places.length;
    onProgress?.(done);
  }
  return answers;
}

/** Texts side by side, and their places in the list. */
interface Batch {
  readonly places: readonly number[];
  readonly inputs: { readonly inputIds: number[][]; readonly attentionMask: number[][] };
}

/** A batch goes on until its longest answer ends: texts of one length stand together. */
export function* batchesByLength(
  tokenizer: Tokenizer,
  texts: readonly string[],
  batchSize: number,
): Generator<Batch> {
  const rows = texts.map((text) => tokenizer.encode(text));
  const order = [...rows.keys()].toSorted((a, b) => lengthOf(rows, a) - lengthOf(rows, b));
  for (let first = 0; first < texts.length; first += batchSize) {
    const places = order.slice(first, first + batchSize);
    const length = places.reduce((most, place) => Math.max(most, lengthOf(rows, place)), 0);
    const fill = (place: number): number[] => Array<number>(length - lengthOf(rows, place)).fill(0);
    yield {
      places,
      inputs: {
        inputIds: places.map((place) => [...(rows[place] ?? []), ...fill(place)]),
        attentionMask: places.map((place) => [...(rows[place] ?? []).map(() => 1), ...fill(place)]),
      },
    };
  }
}

function lengthOf(rows: readonly (readonly number[])[], place: number): number {
  return rows[place]?.length ?? 0;
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
  const longest = lengths.reduce((most, { length }) => Math.max(most, length), 0) + 1;
  const texts = examples.map(({ source }) => source);
  const answers = await answer(model, tokenizer, texts, { longest, signal });
  const right = examples.filter((example, index) => example.answers.includes(answers[index] ?? ''));
  return right.length / examples.length;
}

/** A phrase as the multilingual models read it. */
export function phraseSource({ to, text }: Pick<Phrase, 'to' | 'text'>): string {
  return `>>${to}<<${text}`;
}

/** The languages of phrases that a tokenizer has no token for. */
export function missingLanguages(tokenizer: Tokenizer, languages: readonly string[]): string[] {
  const tokens = new Set(tokenizer.vocabulary());
  return languages.filter((language) => !tokens.has(`>>${language}<<`));
}
