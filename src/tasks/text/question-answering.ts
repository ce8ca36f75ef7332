// The part of a text that answers a question, with a question-answering checkpoint. Long texts are
// read in windows that overlap.

import { fieldsOf, TransformerError } from '../../runtime/errors.ts';
import { bestSpans } from './answer-spans.ts';
import { grouped, eachText, forwardRows } from '../batches.ts';
import { checkOptions, mostTokens, oneOrMany, type TaskParts, wrongInput } from '../task.ts';
import type { Encoding } from '../../tokenizer/template.ts';
import { continuations, usesWordPieces } from './words.ts';

/** A question, and the text that holds the answer. */
export interface Question {
  /** What is asked. */
  question: string;
  /** Where the answer stands; of any length. */
  context: string;
}

/** How answers are looked for. */
export interface QuestionAnsweringOptions {
  /** The number of answers to give at most, as an array; the best one alone when absent. */
  topK?: number;
  /** Tokens that neighbouring windows share: 128, or half a window if that is less, when absent. */
  docStride?: number;
  /** Tokens of a window at most: 384, or what the model takes if that is less, when absent. */
  maxSeqLength?: number;
  /** Tokens of an answer at most; 15 when absent. */
  maxAnswerLength?: number;
  /** Allows the answer that there is none: an empty one. */
  handleImpossibleAnswer?: boolean;
  /** Gives whole words where an answer starts or ends within one; true when absent. */
  alignToWords?: boolean;
  /** Cancels the call, which then rejects with `ABORTED`. */
  signal?: AbortSignal;
}

/** `context.slice(start, end)`, its score from 0 to 1. */
export interface Answer {
  /** How sure the model is, 0 to 1. */
  score: number;
  /** Where it begins in the context. */
  start: number;
  /** Where it ends, exclusive. */
  end: number;
  /** The text between; empty where there is no answer. */
  answer: string;
}

type Several = QuestionAnsweringOptions & { topK: number };
type Best = QuestionAnsweringOptions & { topK?: undefined };

export interface QuestionAnswering {
  (input: Question, options: Several): Promise<Answer[]>;
  (input: Question, options?: Best): Promise<Answer>;
  (inputs: readonly Question[], options: Several): Promise<Answer[][]>;
  (inputs: readonly Question[], options?: Best): Promise<Answer[]>;
}

const task = 'question-answering';

export function questionAnswering(parts: TaskParts): QuestionAnswering {
  const { tokenizer } = parts;
  const wordPieces = usesWordPieces(tokenizer);

  /** Where the words of each token begin and end in the context. */
  const wordPlaces = (window: Encoding, context: string): [number, number][] => {
    const tokens = tokenizer.tokens(window.ids);
    const continues = continuations(tokens, window, context, wordPieces);
    const joined = (i: number): boolean =>
      continues[i] === true && window.textIndex[i] === 1 && window.textIndex[i - 1] === 1;
    const words = window.offsets.map(([start, end] = [0, 0]): [number, number] => [start, end]);
    for (let i = 1; i < words.length; i++) {
      if (joined(i)) words[i] = [words[i - 1]?.[0] ?? 0, words[i]?.[1] ?? 0];
    }
    for (let i = words.length - 2; i >= 0; i--) {
      if (joined(i + 1)) words[i] = [words[i]?.[0] ?? 0, words[i + 1]?.[1] ?? 0];
    }
    return words;
  };

  const answer = async (
    input: Question | readonly Question[],
    options: QuestionAnsweringOptions = {},
  ): Promise<Answer | Answer[] | Answer[][]> => {
    checkOptions(task, options, {
      topK: 'count',
      docStride: 'whole',
      maxSeqLength: 'count',
      maxAnswerLength: 'count',
      handleImpossibleAnswer: 'boolean',
      alignToWords: 'boolean',
      signal: 'signal',
    });
    const { topK = 1, maxAnswerLength = 15, alignToWords = true, signal } = options;
    const most = mostTokens(parts);
    const { maxSeqLength: maxLength = Math.min(most, 384) } = options;
    const { docStride: stride = Math.min(128, Math.floor(maxLength / 2)) } = options;
    if (maxLength > most) throw tooLong(maxLength, most);
    // Answers that become equal when aligned to words are counted together.
    const count = alignToWords ? topK * 2 + 10 : topK;

    const lists = await oneOrMany(input, async (questions) => {
      const windowsOf = await eachText(questions, signal, (one, index) => {
        const { question, context } = checkQuestion(one);
        return tokenizer
          .encodingWindows(question, context, { maxLength, stride, truncate: 'second' })
          .map((window) => ({ ...window, context, index }));
      });
      const rows = windowsOf.flat();
      const windows = await forwardRows(parts, rows, { task, signal }, (read, row) => {
        // The classification token stands for "there is no answer".
        const allowed = row.textIndex.map(
          (text, i) => text === 1 || (i === 0 && row.ids[0] === tokenizer.clsToken),
        );
        const [start, end] = [read('startLogits').data, read('endLogits').data];
        const { spans, noAnswer } = bestSpans(start, end, allowed, { count, maxAnswerLength });
        const places = alignToWords
          ? wordPlaces(row, row.context)
          : row.offsets.map((place) => place ?? [0, 0]);
        const answers = spans.map((span): Answer => {
          const [from, to] = [places[span.start]?.[0] ?? 0, places[span.end]?.[1] ?? 0];
          return { score: span.score, start: from, end: to, answer: row.context.slice(from, to) };
        });
        return { answers, noAnswer };
      });
      const found = grouped(windows, rows, ({ index }) => index);
      return questions.map((_, index) => {
        const own = found[index] ?? [];
        const answers = merge(own.flatMap((window) => window.answers));
        if (options.handleImpossibleAnswer === true) {
          const score = own.reduce((least, { noAnswer }) => Math.min(least, noAnswer), Infinity);
          answers.push({ score, start: 0, end: 0, answer: '' });
        }
        return answers.toSorted((a, b) => b.score - a.score).slice(0, topK);
      });
    });
    if (options.topK !== undefined) return lists;
    const best = (list: readonly Answer[]): Answer =>
      list[0] ?? { score: 0, start: 0, end: 0, answer: '' };
    return Array.isArray(input) ? (lists as Answer[][]).map(best) : best(lists as Answer[]);
  };
  return answer as QuestionAnswering;
}

/** Adds up answers of the same text, whatever their case; the first one found gives the place. */
function merge(answers: readonly Answer[]): Answer[] {
  const alike = new Map<string, Answer>();
  for (const found of answers) {
    const key = found.answer.toLowerCase();
    const same = alike.get(key);
    if (same === undefined) alike.set(key, { ...found });
    else same.score += found.score;
  }
  return [...alike.values()];
}

function checkQuestion(input: unknown): Question {
  const { question, context } = Object.fromEntries(fieldsOf(input, 'A question'));
  for (const [name, value] of Object.entries({ question, context })) {
    if (typeof value !== 'string') {
      throw wrongInput(`The ${name}`, value, 'an object { question, context } of strings');
    }
    if (value.trim() !== '') continue;
    throw new TransformerError('INPUT_INVALID', `The ${name} is empty; wanted a text.`);
  }
  return { question: String(question), context: String(context) };
}

function tooLong(maxSeqLength: number, most: number): TransformerError {
  return new TransformerError(
    'OPTION_INVALID',
    `maxSeqLength is ${maxSeqLength}, but this model takes ${most} tokens. Pass at most that.`,
  );
}
