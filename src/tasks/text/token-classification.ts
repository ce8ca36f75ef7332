// Labels of words in a text (named entities, parts of speech), with a token-classification checkpoint.

import { grouped, eachText, forwardRows } from '../batches.ts';
import {
  type AggregationStrategy,
  dropOverlaps,
  groupSpans,
  labelTokens,
  type ScoredToken,
  type TokenSpan,
} from './entities.ts';
import { softmax } from '../scores.ts';
import {
  checkOptions,
  checkText,
  encodeWhole,
  labelName,
  mostTokens,
  oneOrMany,
  type TaskParts,
} from '../task.ts';
import type { Encoding } from '../../tokenizer/template.ts';
import { usesWordPieces } from './words.ts';

/** How tokens are labelled and joined. */
export interface TokenClassificationOptions {
  /**
   * `none` gives every token. `simple` joins neighbours of one label; `first`, `average` and `max`
   * give each word one label first: its first token's, that of the mean scores, or the surest.
   */
  aggregationStrategy?: AggregationStrategy;
  /** Labels to leave out; `O` when absent. */
  ignoreLabels?: readonly string[];
  /** Tokens that windows of a text too long for the model share; such texts are refused otherwise. */
  stride?: number;
  /** Cancels the call, which then rejects with `ABORTED`. */
  signal?: AbortSignal;
}

/** A token and its label. `start` and `end` count UTF-16 units of the text, `end` exclusive. */
export interface TokenEntity {
  /** The label, as config.json names it. */
  entity: string;
  /** Its probability, 0 to 1. */
  score: number;
  /** Place among the tokens, special ones counted. */
  index: number;
  /** The token as the vocabulary writes it; the text itself where that does not know it. */
  word: string;
  /** Where it begins in the text. */
  start: number;
  /** Where it ends, exclusive. */
  end: number;
}

/** Neighbouring tokens of one label. */
export interface EntityGroup {
  /** The label, without `B-` and `I-`. */
  entityGroup: string;
  /** Mean of the scores of its tokens, 0 to 1. */
  score: number;
  /** Its text. */
  word: string;
  /** Where it begins in the text, in UTF-16 units. */
  start: number;
  /** Where it ends, exclusive. */
  end: number;
}

type Grouped = { aggregationStrategy: Exclude<AggregationStrategy, 'none'> };
type Each = { aggregationStrategy?: 'none' };

/** One text gives its entities, an array a list of each. */
export interface TokenClassification {
  (text: string, options: TokenClassificationOptions & Grouped): Promise<EntityGroup[]>;
  (text: string, options?: TokenClassificationOptions & Each): Promise<TokenEntity[]>;
  (
    texts: readonly string[],
    options: TokenClassificationOptions & Grouped,
  ): Promise<EntityGroup[][]>;
  (texts: readonly string[], options?: TokenClassificationOptions & Each): Promise<TokenEntity[][]>;
}

const task = 'token-classification';

export function tokenClassification(parts: TaskParts): TokenClassification {
  const { model, tokenizer } = parts;
  const wordPieces = usesWordPieces(tokenizer);
  const nameOf = (label: number): string => labelName(model, label);

  /** One window's tokens with their scores, special tokens left out. */
  const scored = (text: string, encoding: Encoding, scores: readonly number[][]): ScoredToken[] => {
    const words = tokenizer.tokens(encoding.ids);
    return encoding.ids.flatMap((id, index) => {
      const [start, end] = encoding.offsets[index] ?? [];
      if (start === undefined || end === undefined) return [];
      const [token, reference] = [words[index] ?? '', text.slice(start, end)];
      const isUnknown = id === tokenizer.unkToken;
      const continues = wordPieces
        ? characters(token) !== characters(reference)
        : start > 0 && !text.slice(start - 1, start + 1).includes(' ');
      return {
        id,
        word: isUnknown ? reference : token,
        isUnknown,
        scores: scores[index] ?? [],
        start,
        end,
        index,
        isSubword: continues && !isUnknown,
      };
    });
  };

  /** The text of tokens. Unknown ones have no text of their own; they stand as in the input. */
  const textOf = (tokens: readonly ScoredToken[]): string => {
    const runs: { isUnknown: boolean; tokens: ScoredToken[] }[] = [];
    for (const token of tokens) {
      const run = runs.at(-1);
      if (run !== undefined && !run.isUnknown && !token.isUnknown) run.tokens.push(token);
      else runs.push({ isUnknown: token.isUnknown, tokens: [token] });
    }
    const texts = runs.map((run) =>
      run.isUnknown
        ? (run.tokens[0]?.word ?? '')
        : tokenizer.decode(run.tokens.map(({ id }) => id)),
    );
    return texts.join(wordPieces ? ' ' : '');
  };

  const entityOf = (span: TokenSpan, isGroup: boolean): TokenEntity | EntityGroup => {
    const { score, tokens } = span;
    const [name, first] = [nameOf(span.label), tokens[0]];
    const place = { start: first?.start ?? 0, end: tokens.at(-1)?.end ?? 0 };
    return isGroup
      ? { entityGroup: name.replace(/^[^-]*-/, ''), score, word: textOf(tokens), ...place }
      : { entity: name, score, index: first?.index ?? 0, word: first?.word ?? '', ...place };
  };

  const classify = (
    input: string | readonly string[],
    options: TokenClassificationOptions = {},
  ): Promise<(TokenEntity | EntityGroup)[] | (TokenEntity | EntityGroup)[][]> => {
    checkOptions(task, options, {
      aggregationStrategy: ['none', 'simple', 'first', 'average', 'max'],
      ignoreLabels: 'list',
      stride: 'whole',
      signal: 'signal',
    });
    const {
      aggregationStrategy: strategy = 'none',
      ignoreLabels = ['O'],
      stride,
      signal,
    } = options;
    return oneOrMany(input, async (texts) => {
      const windowsOf = await eachText(texts, signal, (text, index) => {
        checkText('The text to classify', text);
        const maxLength = mostTokens(parts);
        const isWhole = stride === undefined || maxLength === Infinity;
        const windows = isWhole
          ? [encodeWhole(parts, text)]
          : tokenizer.encodingWindows(text, undefined, { maxLength, stride });
        return windows.map((encoding) => ({ ...encoding, text, index }));
      });
      const rows = windowsOf.flat();
      const found = await forwardRows(parts, rows, { task, signal }, (read, row) => {
        const { data, shape } = read('logits');
        const labels = shape.at(-1) ?? 1;
        const scores = row.ids.map((_, i) => softmax(data.subarray(i * labels, (i + 1) * labels)));
        const spans = labelTokens(scored(row.text, row, scores), strategy);
        const groups = strategy === 'none' ? spans : groupSpans(spans, nameOf);
        return groups
          .map((span) => entityOf(span, strategy !== 'none'))
          .filter((one) => !ignoreLabels.includes('entity' in one ? one.entity : one.entityGroup));
      });
      const entities = grouped(found, rows, ({ index }) => index);
      return texts.map((_, index) => {
        const own = entities[index] ?? [];
        return own.length > 1 ? dropOverlaps(own.flat()) : own.flat();
      });
    });
  };
  return classify as TokenClassification;
}

/** Code points of a text. */
function characters(text: string): number {
  return Array.from(text).length;
}
