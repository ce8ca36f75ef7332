// From the logits of where an answer starts and ends to the best spans of tokens (Devlin et al. 2018,
// arXiv 1810.04805, section 4.2; the score is the product of both probabilities, as in Hugging Face).

import { softmax } from '../scores.ts';

/** Tokens `start` to `end`, inclusive. */
export interface TokenSpan {
  readonly start: number;
  readonly end: number;
  readonly score: number;
}

export interface SpanLimits {
  /** The number of spans to give. */
  readonly count: number;
  /** Tokens of an answer at most. */
  readonly maxAnswerLength: number;
}

/**
 * The best spans of one window, best first. `allowed` says which tokens share the probability: those
 * of the context, and the first one where it stands for "no answer", which no span contains.
 */
export function bestSpans(
  startLogits: ArrayLike<number>,
  endLogits: ArrayLike<number>,
  allowed: readonly boolean[],
  { count, maxAnswerLength }: SpanLimits,
): { spans: TokenSpan[]; noAnswer: number } {
  const among = (logits: ArrayLike<number>): number[] =>
    softmax(allowed.map((may, i) => (may ? (logits[i] ?? 0) : -Infinity)));
  const [starts, ends] = [among(startLogits), among(endLogits)];
  const spans: TokenSpan[] = [];
  for (let start = 1; start < allowed.length; start++) {
    if (allowed[start] !== true) continue;
    for (let end = start; end < Math.min(start + maxAnswerLength, allowed.length); end++) {
      if (allowed[end] !== true) continue;
      insert(spans, { start, end, score: (starts[start] ?? 0) * (ends[end] ?? 0) }, count);
    }
  }
  return { spans, noAnswer: (starts[0] ?? 0) * (ends[0] ?? 0) };
}

/** Keeps the `count` best spans in order. */
function insert(spans: TokenSpan[], span: TokenSpan, count: number): void {
  if (spans.length === count && span.score <= (spans.at(-1)?.score ?? 0)) return;
  let at = spans.length;
  while (at > 0 && (spans[at - 1]?.score ?? 0) < span.score) at--;
  spans.splice(at, 0, span);
  if (spans.length > count) spans.pop();
}
