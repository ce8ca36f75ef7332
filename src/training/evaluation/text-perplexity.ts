// How well a language model foretells whole texts.

import { TransformerError } from '../../runtime/errors.ts';
import { ignoredLabel } from '../../shaders/loss/ignored-label.ts';
import type { Model, ModelInputs } from '../../model/model.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import { taskMetrics } from './task-metrics.ts';

export interface TextPerplexity {
  /** e to the mean loss of a token; those of other tokenizers are not to be compared with it. */
  readonly perplexity: number;
  /** Loss in bits over the bytes of the texts in UTF-8, which can be compared. */
  readonly bitsPerByte: number;
  /** Those that were foretold. */
  readonly tokens: number;
  readonly bytes: number;
}

/**
 * Each token is foretold by those before it in its text, in windows of `length` tokens that move on by half, so that half a
 * window stands before it once the text has so many. The first one is foretold where the tokenizer names a token that begins
 * texts, and else does not count. Errors: INPUT_INVALID where there is nothing to foretell, ABORTED.
 */
export async function textPerplexity(
  model: Model,
  tokenizer: Tokenizer,
  texts: readonly string[],
  options: { readonly length: number; readonly onText?: (done: number) => void },
): Promise<TextPerplexity> {
  const { length, onText } = options;
  let [nats, tokens, bytes] = [0, 0, 0];
  for (const [index, text] of texts.entries()) {
    const { ids, offsets } = tokenizer.encoding(text, undefined, { addSpecialTokens: false });
    const begin = tokenizer.bosToken;
    const row = begin === undefined ? ids : [begin, ...ids];
    const known = begin === undefined ? (offsets[0]?.[1] ?? 0) : 0;
    if (row.length > 1) {
      const { loss = NaN } = await taskMetrics(model, windowsOf(row, length));
      nats += loss * (row.length - 1);
      tokens += row.length - 1;
      bytes += new TextEncoder().encode(text.slice(known)).length;
    }
    onText?.(index + 1);
  }
  if (tokens === 0) {
    throw new TransformerError(
      'INPUT_INVALID',
      'There is no token to foretell. Pass longer texts.',
    );
  }
  return {
    perplexity: Math.exp(nats / tokens),
    bitsPerByte: nats / Math.LN2 / bytes,
    tokens,
    bytes,
  };
}

/** Windows in which every token but the first of all counts once. */
function windowsOf(row: readonly number[], length: number): ModelInputs[] {
  const windows: ModelInputs[] = [];
  const stride = Math.max(1, Math.floor(length / 2));
  for (let [start, counted] = [0, 1]; counted < row.length; start += stride) {
    const ids = row.slice(start, start + length);
    const labels = ids.map((id, i) => (start + i < counted ? ignoredLabel : id));
    windows.push({ inputIds: [ids], labels: [labels] });
    counted = start + ids.length;
  }
  return windows;
}
