// Two texts, of which the first one's activations are put into the run of the second.

import type { Model } from 'webgpu-transformer';
import { largest } from './likeliest.ts';
import type { NextToken, Patches, PatchedPart } from './protocol.ts';
import type { Reader } from './reader.ts';
import { Refused } from './refused.ts';

/** Logits that a sweep holds at once. */
const mostLogits = 2 ** 23;

interface Pair {
  readonly ids: readonly number[];
  readonly other: readonly number[];
  /** What follows the first text. */
  readonly next: NextToken;
  readonly part: PatchedPart;
}

/** Refuses texts that cannot be compared. */
export function checkPair(ids: readonly number[], other: readonly number[]): void {
  const isOfPair = true;
  if (other.length === 0) throw new Refused('empty', { isOfPair });
  if (ids.join() === other.join()) throw new Refused('alike', { isOfPair });
  const counts = [ids.length, other.length] as const;
  if (counts[0] !== counts[1]) throw new Refused('lengths', { isOfPair, counts });
}

/** What of the first text's answer comes back at each layer and position. */
export async function patchPair(
  model: Model,
  reader: Reader,
  { ids, other, next, part }: Pair,
  signal: AbortSignal,
): Promise<Patches> {
  const { logits } = await model.forward({ inputIds: [other] }, { logitsToKeep: 1, signal });
  const [target = 0] = largest(next.logits, 1);
  const [rival = 0] = largest(logits?.data ?? next.logits, 1);
  const isSame = rival === target;
  const { patchActivations } = await import('webgpu-transformer/interpret');
  const { points, recovered } = await patchActivations(model, {
    clean: { inputIds: [ids] },
    corrupted: { inputIds: [other] },
    measure: { id: target, ...(!isSame && { against: rival }) },
    at: `layers.*.${part}`,
    batchSize: Math.min(32, Math.ceil(mostLogits / (next.logits.length * ids.length))),
    signal,
  });
  return {
    points,
    tokens: reader.tokens(ids),
    otherTokens: reader.tokens(other),
    recovered,
    target: reader.token(target),
    against: isSame ? undefined : reader.token(rival),
  };
}
