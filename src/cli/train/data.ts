// What a run learns from, and what it is evaluated on: generated phrases, or pairs of a file.

import { readFile } from 'node:fs/promises';
import { show } from '../../runtime/print.ts';
import { type Model, type NewHead, type Source, TransformerError } from '../../index.node.ts';
import type { ModelInputs } from '../../model/model.ts';
import { Random } from '../../model/random.ts';
import { type Field } from '../../phrases/fields.ts';
import { outsideToken } from '../../phrases/outside.ts';
import { unseenPhrases } from '../../phrases/phrases.ts';
import { numberedBatches, phraseBatches, type Recipe } from '../../phrases/recipe.ts';
import { sequenceBatch, type SequencePair } from '../../training/batches.ts';
import { shuffle, shuffled } from '../../training/data/order.ts';
import type { Objective } from '../../training/objective.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import { type Example, missingLanguages, phraseSource } from './answers.ts';
import { type ExampleSet, exampleSet } from './example-set.ts';

export interface TrainingData {
  /** Batches by number, from 0, without end. */
  readonly batches: (index: number) => ModelInputs | Promise<ModelInputs>;
  /** What is never trained on. */
  readonly heldOut: readonly Example[];
  /** The same of language models, whose loss is looked at. */
  readonly heldOutBatches?: readonly ModelInputs[];
  /** What is learned of them where that is not to say the same. */
  readonly objective?: Objective;
  /** None when absent. */
  readonly labelSmoothing?: number;
  /** A line about both. */
  readonly summary: string;
}

/** A checkpoint, and how it comes to what it learns. */
export interface Learner {
  readonly source: Source;
  /** Of models of texts. */
  readonly tokenizer?: Tokenizer;
  /** That it needs for the labels of the data, where it has none for them. */
  readonly head?: NewHead;
  /** Whether it learns with what modules.json puts behind it. */
  readonly modules?: boolean;
  readonly data: (model: Model) => Promise<TrainingData>;
  /** All of what is learned, to measure by, where it is examples. */
  readonly examples?: (model: Model) => ExampleSet | Promise<ExampleSet>;
}

/** Of a file, one text in twenty is held out, and no more than this; of phrases, as many. */
const heldOutAtMost = 192;

/** Phrases as Intl renders them. @throws TransformerError OPTION_INVALID without language tokens */
export function phraseData(recipe: Recipe, field: Field, tokenizer: Tokenizer): TrainingData {
  const { languages } = field;
  const missing = missingLanguages(tokenizer, languages);
  if (missing.length > 0) {
    throw new TransformerError(
      'OPTION_INVALID',
      `The tokenizer of --from has no tokens for ${missing.join(', ')}, which phrases need. ` +
        'Pass texts of your own with --data FILE.',
    );
  }
  if (field.turns.includes('outside') && !new Set(tokenizer.vocabulary()).has(outsideToken)) {
    throw new TransformerError(
      'OPTION_INVALID',
      `The tokenizer of --from has no token ${outsideToken}, and takes none more, as it is no BPE with an unknown ` +
        'token. Leave --from out to begin a new model.',
    );
  }
  // As many of each kind in each direction, or of each but some of a field of many.
  const all = field.directions.length * field.kinds.length;
  const phrases = unseenPhrases(0, Math.max(1, Math.floor(heldOutAtMost / all)), field);
  // Shuffled, as kinds come in turns.
  const chosen = shuffle(phrases, new Random(0)).slice(0, heldOutAtMost);
  const heldOut = chosen.map((phrase) => ({
    source: phraseSource(phrase),
    answers: phrase.answers,
  }));
  return {
    batches: phraseBatches(recipe, (text) => tokenizer.encode(text), field),
    heldOut,
    summary: `phrases in ${languages.join(', ')}, drawn anew for every step`,
  };
}

/** One line of a file. */
export interface TextPair {
  readonly source: string;
  readonly target: string;
  readonly line: number;
}

/**
 * Pairs of a file with `source TAB target` in each line. The source goes to the model as it stands.
 * @throws TransformerError FILE_UNREADABLE, FILE_INVALID
 */
export async function fileData(
  file: string,
  recipe: Recipe,
  tokenizer: Tokenizer,
  positions: number,
): Promise<TrainingData> {
  const { training, heldOut } = splitPairs(await readPairs(file), recipe.seed);
  const pairs = encodedPairs(file, training, tokenizer, positions);
  const count = (number: number): string => number.toLocaleString('en-US');
  return {
    batches: numberedBatches(recipe, shuffled(pairs, recipe.seed)),
    heldOut,
    summary: `${count(pairs.length)} pairs of ${file}, ${count(heldOut.length)} texts held out`,
  };
}

/** All pairs of such a file, to measure by. Errors: FILE_UNREADABLE, FILE_INVALID. */
export async function pairExamples(
  file: string,
  tokenizer: Tokenizer,
  positions: number,
): Promise<ExampleSet> {
  const pairs = encodedPairs(file, await readPairs(file), tokenizer, positions);
  const { padToken = 0 } = tokenizer;
  return exampleSet(file, pairs, (some) => sequenceBatch(some, padToken), { unit: 'pairs' });
}

async function readPairs(file: string): Promise<TextPair[]> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `${file} cannot be read: ${reason}. Check --data.`;
    throw new TransformerError('FILE_UNREADABLE', message, { cause });
  });
  return parsePairs(text, file);
}

function encodedPairs(
  file: string,
  pairs: readonly TextPair[],
  tokenizer: Tokenizer,
  positions: number,
): SequencePair[] {
  const encode = (one: string, line: number): number[] => {
    const ids = tokenizer.encode(one);
    if (ids.length <= positions) return ids;
    throw new TransformerError(
      'FILE_INVALID',
      `${file}, line ${line}: a text of ${ids.length} tokens; the model has ${positions} positions. ` +
        'Shorten or remove it.',
    );
  };
  return pairs.map(({ source, target, line }) => ({
    source: encode(source, line),
    target: encode(target, line),
  }));
}

/** @throws TransformerError FILE_INVALID, naming the line */
export function parsePairs(text: string, file: string): TextPair[] {
  const pairs: TextPair[] = [];
  for (const [index, content] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    if (content === '') continue;
    const [source = '', target = '', ...more] = content.split('\t');
    if (source.trim() === '' || target.trim() === '' || more.length > 0) {
      throw new TransformerError(
        'FILE_INVALID',
        `${file}, line ${index + 1}: got ${show(content, 60)}; wanted a source, ` +
          'one tab and a target.',
      );
    }
    pairs.push({ source, target, line: index + 1 });
  }
  if (pairs.length > 0) return pairs;
  throw new TransformerError('FILE_INVALID', `${file} holds no pairs. Write source TAB target.`);
}

/**
 * Holds out one text in twenty, drawn by the seed, with all its targets: each of them is right. None
 * of fewer than twenty texts.
 */
export function splitPairs(
  pairs: readonly TextPair[],
  seed: number,
): { readonly training: readonly TextPair[]; readonly heldOut: readonly Example[] } {
  const sources = [...new Set(pairs.map(({ source }) => source))];
  const count = Math.min(heldOutAtMost, Math.floor(sources.length / 20));
  const chosen = new Set(shuffle(sources, new Random(seed)).slice(0, count));
  return {
    training: pairs.filter(({ source }) => !chosen.has(source)),
    heldOut: [...chosen].map((source) => ({
      source,
      answers: pairs.filter((pair) => pair.source === source).map(({ target }) => target),
    })),
  };
}
