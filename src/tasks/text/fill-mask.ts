// Words for the gaps of a text, with a masked-language-model checkpoint.

import { TransformerError } from '../../runtime/errors.ts';
import { show } from '../../source/json.ts';
import { eachText, forwardRows } from '../batches.ts';
import { greatest, softmax } from '../scores.ts';
import { checkOptions, checkText, encodeText, oneOrMany, type TaskParts } from '../task.ts';

/** How gaps are filled. */
export interface FillMaskOptions {
  /** The number of tokens to give for each gap; 5 when absent. */
  topK?: number;
  /** Only these are scored; each must be one token. */
  targets?: string | readonly string[];
  /** Cancels the call, which then rejects with `ABORTED`. */
  signal?: AbortSignal;
}

/** A token for a gap. */
export interface FilledMask {
  /** Its probability, 0 to 1. */
  score: number;
  /** Token id. */
  token: number;
  /** Its text. */
  tokenStr: string;
  /** The text with this token in the gap. */
  sequence: string;
}

/**
 * One text gives its fillings, an array a list of each. A text with several gaps gives a list of
 * each gap instead, the others left as they are.
 */
export interface FillMask {
  (text: string, options?: FillMaskOptions): Promise<FilledMask[] | FilledMask[][]>;
  (texts: readonly string[], options?: FillMaskOptions): Promise<(FilledMask[] | FilledMask[][])[]>;
}

const task = 'fill-mask';

export function fillMask(parts: TaskParts): FillMask {
  const { model, tokenizer } = parts;
  const { maskToken } = tokenizer;

  const fill = (
    input: string | readonly string[],
    options: FillMaskOptions = {},
  ): Promise<FilledMask[] | FilledMask[][] | (FilledMask[] | FilledMask[][])[]> => {
    checkOptions(task, options, { topK: 'count', targets: 'texts', signal: 'signal' });
    const { topK = 5, targets, signal } = options;
    const targetIds = targets === undefined ? undefined : tokensOf(parts, [targets].flat());
    return oneOrMany(input, async (texts) => {
      const rows = await eachText(texts, signal, (text) => {
        const { ids, typeIds } = encodeText(parts, checkText('The text', text), undefined);
        const gaps = ids.flatMap((id, place) => (id === maskToken ? [place] : []));
        if (gaps.length === 0) throw noMask(parts, text);
        return { ids, typeIds, gaps };
      });
      const width = Number(model.config['vocab_size'] ?? 1);
      return forwardRows(parts, rows, { task, width, signal }, (read, { ids, gaps }) => {
        const { data, shape } = read('logits');
        const size = shape.at(-1) ?? 1;
        const found = gaps.map((gap) => {
          const scores = softmax(data.subarray(gap * size, (gap + 1) * size));
          const among = targetIds ?? scores.map((_, id) => id);
          const best = greatest(targetIds?.map((id) => scores[id] ?? 0) ?? scores, topK);
          return best.map((at): FilledMask => {
            const token = among[at] ?? 0;
            const filled = ids.with(gap, token);
            return {
              score: scores[token] ?? 0,
              token,
              tokenStr: tokenizer.decode([token], { skipSpecialTokens: false }),
              // The special tokens stay where others mark gaps, as in Hugging Face.
              sequence: tokenizer.decode(filled, { skipSpecialTokens: gaps.length === 1 }),
            };
          });
        });
        const [only] = found;
        return found.length === 1 && only !== undefined ? only : found;
      });
    });
  };
  return fill as FillMask;
}

/** The ids of target words. Errors: OPTION_INVALID for one that is not a single token. */
function tokensOf({ tokenizer }: TaskParts, targets: readonly string[]): number[] {
  const ids = targets.map((target) => {
    const tokens = tokenizer.encode(target, undefined, { addSpecialTokens: false });
    const [id] = tokens;
    if (id !== undefined && tokens.length === 1) return id;
    throw new TransformerError(
      'OPTION_INVALID',
      `The target ${show(target)} is ${tokens.length} tokens ` +
        `(${tokenizer.tokens(tokens).join(', ')}); wanted a word that is one token.`,
    );
  });
  return [...new Set(ids)];
}

function noMask({ tokenizer }: TaskParts, text: string): TransformerError {
  const { maskToken } = tokenizer;
  const [mask] = maskToken === undefined ? [] : tokenizer.tokens([maskToken]);
  return mask === undefined
    ? new TransformerError(
        'MODEL_UNSUPPORTED',
        `The tokenizer has no mask token, which ${task} needs. Load a masked language model.`,
      )
    : new TransformerError('INPUT_INVALID', `${show(text)} has no ${mask}. Put one in each gap.`);
}
