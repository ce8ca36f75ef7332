// How likely the tokens of a sequence were to the model, and which it held likelier: of sequences that ran in no batch.

import type { DenseTensor } from '../model/inputs/inputs.ts';
import type { Model } from '../model/model.ts';
import type { Likelihood } from '../model/generation/likelihoods.ts';
import type { SequenceToken } from './scheduler.ts';

/** Tokens whose logits are read back at once: a vocabulary of 256k takes 16 MiB. */
const part = 16;

/** The sequence that is weighed. */
interface Sequence {
  /** The prompt, or what an encoder reads. */
  readonly inputIds: readonly number[];
  /** What was generated. */
  readonly tokenIds: readonly number[];
  /** What an encoder–decoder begins with; undefined of a language model. */
  readonly startId: number | undefined;
}

/** The tokens with their log-probabilities, and the `top` likeliest in the place of each. */
export async function* weighed(
  model: Model,
  { inputIds, tokenIds, startId }: Sequence,
  top: number,
  signal: AbortSignal,
): AsyncGenerator<SequenceToken, void, undefined> {
  const before = startId === undefined ? inputIds : [startId];
  const step = startId === undefined ? part : tokenIds.length;
  for (let first = 0; first < tokenIds.length; first += step) {
    const some = tokenIds.slice(first, first + step);
    // The last token is only chosen.
    const fed = [...before, ...tokenIds.slice(0, first + some.length - 1)];
    const { logits } =
      startId === undefined
        ? await model.forward({ inputIds: [fed] }, { logitsToKeep: some.length, signal })
        : await model.forward({ inputIds: [inputIds], decoderInputIds: [fed] }, { signal });
    for (const [at, tokenId] of some.entries()) {
      yield { tokenId, ...likelihood(rowOf(logits, at), tokenId, top) };
    }
  }
}

function rowOf(logits: DenseTensor | undefined, at: number): Float32Array {
  const width = logits?.shape.at(-1) ?? 0;
  return logits?.data.subarray(at * width, (at + 1) * width) ?? new Float32Array();
}

/** Of logits: log softmax of a token and of the `top` greatest, the greatest first. */
function likelihood(logits: Float32Array, tokenId: number, top: number): Likelihood {
  const greatest = logits.reduce((most, logit) => Math.max(most, logit), -Infinity);
  const sum = logits.reduce((total, logit) => total + Math.exp(logit - greatest), 0);
  const norm = greatest + Math.log(sum);
  const logProb = (id: number): number => (logits[id] ?? -Infinity) - norm;
  const best: number[] = [];
  const end = top > 0 ? logits.length : 0;
  for (let id = 0; id < end; id++) {
    if (best.length === top && logProb(id) <= logProb(best[top - 1] ?? 0)) continue;
    const at = best.findIndex((other) => logProb(id) > logProb(other));
    best.splice(at < 0 ? best.length : at, 0, id);
    best.length = Math.min(best.length, top);
  }
  return {
    logProb: logProb(tokenId),
    top: best.map((id) => ({ tokenId: id, logProb: logProb(id) })),
  };
}
