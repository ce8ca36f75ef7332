// Texts that are read and not gone on from: how many tokens they have, and which are too long.

import type { Pipelines } from '../tasks/pipeline.ts';
import type { Call } from './call.ts';
import { wrongField } from './api-error.ts';
import { checkedLength } from './generating.ts';

type Reader = Pipelines['embeddings' | 'text-ranking'];

/**
 * Counts the tokens of texts, with what stands before each of them, and notes them.
 * @throws ApiError 400 for too many texts, and for one that is longer than the model reads
 */
export function countTokens(
  { limits, notes }: Call,
  { model, tokenizer }: Pick<Reader, 'model' | 'tokenizer'>,
  texts: readonly string[],
  { param, before }: { readonly param: string; readonly before?: string },
): void {
  if (texts.length > limits.texts) {
    throw wrongField(
      param,
      `${param} has ${texts.length} texts; at most ${limits.texts} come at once.`,
    );
  }
  const most = Math.min(model.maxPositions, tokenizer.maxLength ?? Infinity);
  const limit = most === Infinity ? {} : { maxLength: most + 1 };
  for (const text of texts) {
    const { ids } =
      before === undefined
        ? tokenizer.encoding(text, undefined, limit)
        : tokenizer.encoding(before, text, limit);
    notes.promptTokens += checkedLength(ids, most, param).length;
  }
}
