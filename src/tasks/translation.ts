// Translation with an encoder–decoder checkpoint.

import type { Model } from '../model/model.ts';
import { nearestName, refuseUnknown, TransformerError } from '../runtime/errors.ts';
import { TextStream } from './text-stream.ts';
import type { Tokenizer } from './tokenizer.ts';

export interface TranslateOptions {
  /** The language to translate to, such as `fr`; for checkpoints of several languages. */
  to?: string;
  /** Tokens to generate at most. */
  maxNewTokens?: number;
  /** Sequences that are followed at once: 1 for greedy search, as streams need it. */
  numBeams?: number;
  signal?: AbortSignal;
}

export interface Translation {
  translationText: string;
}

/** Texts translated side by side; longer lists are taken in parts. */
const batchSize = 16;

export interface TranslationPipeline {
  /** Translates a text, or each text of an array: one entry each. */
  (text: string | readonly string[], options?: TranslateOptions): Promise<Translation[]>;
  /** Translates one text, piece by piece as it is generated. */
  stream(text: string, options?: TranslateOptions): AsyncGenerator<string, void, undefined>;
  /** The languages that `to` may name; empty for checkpoints of one language pair. */
  readonly languages: readonly string[];
  readonly model: Model;
  readonly tokenizer: Tokenizer;
  /** Token ids of a text as the model reads it, target language included. */
  encode(text: string, options?: Pick<TranslateOptions, 'to'>): number[];
  dispose(): void;
  [Symbol.dispose](): void;
}

export function translationPipeline(model: Model, tokenizer: Tokenizer): TranslationPipeline {
  // Multilingual Marian checkpoints read the target language from a first token such as >>fr<<.
  const languages = [...tokenizer.vocabulary()]
    .map((token) => /^>>(.+)<<$/.exec(token)?.[1])
    .filter((language) => language !== undefined)
    .toSorted();

  const encode = (text: string, { to }: Pick<TranslateOptions, 'to'> = {}): number[] =>
    tokenizer.encode(languages.length === 0 ? text : `>>${checkLanguage(to, languages)}<<${text}`);

  const translate = async (
    text: string | readonly string[],
    options: TranslateOptions = {},
  ): Promise<Translation[]> => {
    const generation = checkOptions(options, languages);
    const sources = checkTexts(text).map((one) => encode(one, options));
    const translations: Translation[] = [];
    for (let first = 0; first < sources.length; first += batchSize) {
      const inputs = padded(sources.slice(first, first + batchSize));
      const { sequences } = await model.generate(inputs, generation);
      for (const ids of sequences) translations.push({ translationText: tokenizer.decode(ids) });
    }
    return translations;
  };

  const stream = async function* (
    text: string,
    options: TranslateOptions = {},
  ): AsyncGenerator<string, void, undefined> {
    const generation = checkOptions(options, languages);
    const [one = ''] = checkTexts(text);
    const pieces = new TextStream(tokenizer);
    for await (const { tokenIds } of model.stream(padded([encode(one, options)]), generation)) {
      const [tokenId] = tokenIds;
      const piece = tokenId === undefined ? '' : pieces.push(tokenId);
      if (piece !== '') yield piece;
    }
    const rest = pieces.end();
    if (rest !== '') yield rest;
  };

  const dispose = (): void => model.dispose();
  const parts = { stream, languages, model, tokenizer, encode, dispose, [Symbol.dispose]: dispose };
  return Object.assign(translate, parts);
}

/** Rows of one length, padding on the right, with their mask. The mask hides what fills a row. */
function padded(rows: readonly number[][]): { inputIds: number[][]; attentionMask: number[][] } {
  const length = Math.max(...rows.map((row) => row.length));
  const fill = (row: readonly number[], value: number): number[] =>
    Array<number>(length - row.length).fill(value);
  return {
    inputIds: rows.map((row) => [...row, ...fill(row, 0)]),
    attentionMask: rows.map((row) => [...row.map(() => 1), ...fill(row, 0)]),
  };
}

function checkTexts(text: unknown): readonly string[] {
  const texts: readonly unknown[] = Array.isArray(text) ? text : [text];
  const wrong = texts.findIndex((one) => typeof one !== 'string');
  if (wrong < 0) return texts as string[];
  const given = texts[wrong] ?? null;
  throw new TransformerError(
    'INPUT_INVALID',
    `The text to translate is ${given === null ? 'missing or null' : `of type ${typeof given}`}; ` +
      'wanted a string or an array of strings.',
  );
}

/** The options of generation among those of translation. */
function checkOptions(
  options: TranslateOptions,
  languages: readonly string[],
): Omit<TranslateOptions, 'to'> {
  const known = ['to', 'maxNewTokens', 'numBeams', 'signal'];
  refuseUnknown(options, known, 'option of translation');
  const { to, ...generation } = options;
  if (to !== undefined && languages.length === 0) {
    throw new TransformerError(
      'OPTION_INVALID',
      `This checkpoint translates one language pair and takes no "to" (got "${to}"). Leave it out.`,
    );
  }
  return generation;
}

function checkLanguage(to: unknown, languages: readonly string[]): string {
  if (typeof to === 'string' && languages.includes(to)) return to;
  const nearest = typeof to === 'string' ? nearestName(to, languages) : undefined;
  const hint = nearest === undefined ? '' : ` Did you mean "${nearest}"?`;
  throw new TransformerError(
    'OPTION_INVALID',
    `to is ${JSON.stringify(to) ?? 'missing'}; wanted one of ${languages.join(', ')}.${hint}`,
  );
}
