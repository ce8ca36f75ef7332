// Perplexity (Jelinek et al., "Perplexity—a measure of the difficulty of speech recognition tasks",
// 1977): how many equally likely tokens a model hesitates between, on average.

import { fieldsOf } from '../runtime/errors.ts';
import { checkArray, inputInvalid, kindOf } from './check.ts';

/** The loss of one batch or text. */
export interface MeanLoss {
  /** Mean negative log-likelihood of a token, in nats: what `forward` with labels gives as `loss`. */
  readonly loss: number;
  /** The tokens that the mean is taken over; ignored ones not counted. */
  readonly tokens: number;
}

/**
 * exp(Σ loss·tokens / Σ tokens). Batches weigh by their tokens; the mean of their perplexities would
 * be another number. Values of different tokenizers cannot be compared. Errors: INPUT_INVALID.
 */
export function perplexity(losses: readonly MeanLoss[]): number {
  const entries = checkArray('perplexity', 'losses', losses);
  if (entries.length === 0) throw inputInvalid('perplexity', 'got no losses. Pass at least one');
  let sum = 0;
  let count = 0;
  for (const [i, entry] of entries.entries()) {
    const { loss, tokens } = checkEntry(i, entry);
    sum += loss * tokens;
    count += tokens;
  }
  return Math.exp(sum / count);
}

function checkEntry(i: number, entry: unknown): MeanLoss {
  if (typeof entry !== 'object' || entry === null) {
    const wanted = 'wanted { loss, tokens }';
    throw inputInvalid('perplexity', `losses[${i}] is ${kindOf(entry)}; ${wanted}`);
  }
  const { loss, tokens } = Object.fromEntries(fieldsOf(entry, `perplexity: losses[${i}]`));
  if (typeof loss !== 'number' || !Number.isFinite(loss)) {
    const wanted = 'wanted a finite mean negative log-likelihood';
    throw inputInvalid('perplexity', `losses[${i}].loss is ${kindOf(loss)}; ${wanted}`);
  }
  if (typeof tokens !== 'number' || !Number.isSafeInteger(tokens) || tokens < 1) {
    const wanted = 'wanted how many tokens the mean is over, 1 or more';
    throw inputInvalid('perplexity', `losses[${i}].tokens is ${kindOf(tokens)}; ${wanted}`);
  }
  return { loss, tokens };
}
