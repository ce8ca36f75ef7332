// Translation with an encoder–decoder checkpoint.

import { isObject } from '../../source/json.ts';
import { languageCodes } from './language-codes.ts';
import { translationScore } from './translation-score.ts';
import { checkFlags, TransformerError } from '../../runtime/errors.ts';
import {
  checkTextOptions,
  generateRows,
  readsPrefixes,
  streamRow,
  taskSettings,
  type TextOptions,
  withSettings,
} from '../generation.ts';
import {
  checkOptions,
  checkText,
  encodeWhole,
  listOf,
  notAmong,
  type TaskModel,
  type TaskParts,
} from '../task.ts';

export interface TranslateOptions extends TextOptions {
  /** The language to translate to, such as `fr`; for checkpoints of several languages. */
  to?: string;
  /**
   * The language to translate from, for checkpoints that are told. When absent, `en` for T5; for M2M-100, NLLB and mBART
   * the one that tokenizer.json has, mostly English.
   */
  from?: string;
  /** Whether each translation comes with its score; not of beams. */
  score?: boolean;
}

type Direction = Pick<TranslateOptions, 'to' | 'from'>;

/** A text in another language. */
export interface Translation {
  /** Empty where the model says, by the `outside_token_id` of its config.json, that it was not made for the text. */
  translationText: string;
  /**
   * How sure the model is of this translation, from 0 to 1, when asked for: the geometric mean of the probabilities
   * of its tokens. Where config.json has a `score_calibration`, as the embedded model's has, the probability that the
   * text is one that the model was made for: below 0.5, do not trust the translation.
   */
  score?: number;
}

export interface TranslationTask {
  /** Translates a text, or each text of an array: one entry each. */
  (text: string | readonly string[], options?: TranslateOptions): Promise<Translation[]>;
  /** Translates one text, piece by piece as it is generated. */
  stream(
    text: string,
    options?: Omit<TranslateOptions, 'score'>,
  ): AsyncGenerator<string, void, undefined>;
  /** The languages that `to` may name; empty for checkpoints of one language pair. */
  readonly languages: readonly string[];
  /** Token ids of a text as the model reads it, target language included. */
  encode(text: string, options?: Direction): number[];
  /**
   * Parts of a text that the tokenizer has no token for, each once. The model cannot tell them apart,
   * so a text with such parts is outside of what it was made for.
   */
  unknownParts(text: string): string[];
}

export function translation(parts: TaskParts): TranslationTask {
  const { model, tokenizer } = parts;
  const codes = languageCodes(parts);
  // Multilingual Marian checkpoints read the target language from a first token such as >>fr<<.
  const tokens = [...(codes ? [] : tokenizer.vocabulary())]
    .map((token) => /^>>(.+)<<$/.exec(token)?.[1])
    .filter((language) => language !== undefined)
    .toSorted();
  const usesPrefixes = tokens.length === 0 && readsPrefixes(model);
  const languages = usesPrefixes ? prefixLanguages(model) : (codes?.languages ?? tokens);

  /** What stands before a text, and the checkpoint's settings for this direction. */
  const direct = (to?: string, from?: string): ReturnType<typeof taskSettings> => {
    checkOptions<object>('translation', { to, from }, { to: 'text', from: 'text' });
    if (usesPrefixes) return prefixOf(model, from ?? 'en', to, languages);
    if (codes !== undefined) {
      const { prefix, options } = taskSettings(model, 'translation');
      return { prefix, options: { ...options, forcedBosTokenId: codes.targetToken(to) } };
    }
    if (from !== undefined || (to !== undefined && tokens.length === 0)) {
      const name = from === undefined ? 'to' : 'from';
      throw new TransformerError(
        'OPTION_INVALID',
        `This checkpoint takes no "${name}" (got "${from ?? to}"): it translates ` +
          `${tokens.length === 0 ? 'one language pair' : 'whatever it is given'}. Leave it out.`,
      );
    }
    if (tokens.length === 0) return taskSettings(model, 'translation');
    if (to === undefined || !tokens.includes(to)) throw notAmong('to', to, tokens);
    return { prefix: `>>${to}<<`, options: {} };
  };
  const encodeAll = (
    texts: readonly unknown[],
    all: TranslateOptions,
    own: readonly string[] = ['to', 'from'],
  ): { rows: number[][]; generation: TextOptions; isScored: boolean } => {
    checkTextOptions('translation', all, own);
    checkFlags(all, 'score');
    const { to, from, score: isScored = false, ...options } = all;
    const { prefix = '', options: settings } = direct(to, from);
    const rows = texts.map((one, index) => {
      const place = texts.length === 1 ? '' : ` (number ${index + 1} of ${texts.length})`;
      const { ids } = encodeWhole(parts, prefix + checkSource(one, place));
      return codes === undefined || from === undefined ? ids : codes.fromLanguage(ids, from);
    });
    return { rows, generation: withSettings(settings, options), isScored };
  };

  const translate = async (
    text: string | readonly string[],
    options: TranslateOptions = {},
  ): Promise<Translation[]> => {
    const { rows, generation, isScored } = encodeAll(listOf(text), options, [
      'to',
      'from',
      'score',
    ]);
    const asked = { ...generation, ...(isScored && { logProbs: true }) };
    const found = await generateRows(parts, rows, asked, 'right');
    return found.flatMap((sequences, index) =>
      sequences.map((row) => ({
        translationText: tokenizer.decode(row.ids),
        ...(isScored && { score: translationScore(row, rows[index] ?? [], parts) }),
      })),
    );
  };
  const stream = async function* (
    text: string,
    options: Omit<TranslateOptions, 'score'> = {},
  ): AsyncGenerator<string, void, undefined> {
    const { rows, generation } = encodeAll([text], options);
    yield* streamRow(parts, rows[0] ?? [], generation, 'right');
  };
  const encode = (text: string, options: Direction = {}): number[] =>
    encodeAll([text], options).rows[0] ?? [];
  const unknownParts = (text: string): string[] => {
    const { ids, offsets } = tokenizer.encoding(checkText('The text', text));
    const unknown = ids.flatMap((id, index) => {
      const [start, end] = offsets[index] ?? [0, 0];
      return id === tokenizer.unkToken ? [text.slice(start, end)] : [];
    });
    return [...new Set(unknown)];
  };
  return Object.assign(translate, { stream, languages, encode, unknownParts });
}

/** A text that has something to translate: of nothing, a model makes something up. */
function checkSource(value: unknown, place: string): string {
  const what = `The text to translate${place}`;
  const text = checkText(what, value);
  // Controls and formats, such as zero-width spaces, show nothing either.
  if (/[^\s\p{Cc}\p{Cf}]/u.test(text)) return text;
  throw new TransformerError(
    'INPUT_INVALID',
    `${what} is ${text === '' ? 'empty' : 'blank'}; wanted one with something to read. Leave it out.`,
  );
}

/** The target languages that config.json has prefixes for: keys such as `translation_en_to_de`. */
function prefixLanguages({ config }: TaskModel): string[] {
  const settings = config['task_specific_params'];
  const targets = Object.keys(isObject(settings) ? settings : {})
    .map((key) => /^translation_.+_to_(.+)$/.exec(key)?.[1])
    .filter((language) => language !== undefined);
  return [...new Set(targets)].toSorted();
}

/** T5's prefix for a direction: as config.json has it, else "translate English to German: ". */
function prefixOf(
  model: TaskModel,
  from: string,
  to: string | undefined,
  languages: readonly string[],
): ReturnType<typeof taskSettings> {
  if (to === undefined)
    throw notAmong('to', to, languages.length > 0 ? languages : ['de', 'fr', '…']);
  const { prefix, options } = taskSettings(model, `translation_${from}_to_${to}`);
  return {
    prefix: prefix ?? `translate ${languageName('from', from)} to ${languageName('to', to)}: `,
    options,
  };
}

function languageName(option: string, code: string): string {
  const names = new Intl.DisplayNames('en', { type: 'language', fallback: 'none' });
  try {
    const name = names.of(code);
    if (name !== undefined) return name;
  } catch {
    // Not even the form of a language code: the same error says what is wanted.
  }
  throw new TransformerError(
    'OPTION_INVALID',
    `${option} is "${code}"; wanted the code of a language, such as "de" or "fr".`,
  );
}
