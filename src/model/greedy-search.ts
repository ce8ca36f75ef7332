// Greedy search: the best token at every step. Steps are submitted ahead of the answers, since each
// feeds on the choice of the one before without a round trip.

import { throwIfAborted } from '../runtime/errors.ts';
import type { Tier } from '../runtime/gpu.ts';
import type { GenerationSettings } from './generation-config.ts';
import type { GreedySession } from './greedy-session.ts';

/** Steps under way besides the one waited for. A step too many is cheap on a GPU only. */
const ahead: Readonly<Record<Tier, number>> = { gpu: 3, software: 1 };

/** Yields each step's tokens, one a sequence; sequences that have ended get the padding token. */
export async function* greedySearch(
  session: GreedySession,
  prompt: readonly (readonly number[])[],
  settings: GenerationSettings,
  tier: Tier,
  signal: AbortSignal | undefined,
): AsyncGenerator<{ tokenIds: number[] }, void, undefined> {
  const { padToken, endTokens, firstToken, lastToken, maxLength } = settings;
  const promptLength = prompt[0]?.length ?? 0;
  const underWay: Promise<Uint32Array>[] = [];
  /** Tokens fed so far: step n feeds token n and chooses token n + 1. */
  let fed = promptLength - 1;

  /** The token at a place if it is known beforehand. */
  const known = (place: number): readonly number[] | undefined => {
    if (place === 1 && firstToken !== undefined) return prompt.map(() => firstToken);
    return undefined;
  };
  const submitUpTo = (place: number): void => {
    for (; fed < Math.min(place, maxLength - 1); fed++) {
      const step = session.step(known(fed));
      step.catch(() => {}); // steps that nobody waits for any more may fail in peace
      underWay.push(step);
    }
  };

  try {
    const ended = prompt.map(() => false);
    for (let place = promptLength; place < maxLength; place++) {
      throwIfAborted(signal);
      submitUpTo(place + ahead[tier]);
      const chosen = await underWay.shift();
      throwIfAborted(signal);
      const forced = known(place);
      const last = place === maxLength - 1 ? lastToken : undefined;
      const tokenIds = ended.map((hasEnded, row) => {
        if (hasEnded) return padToken;
        const token = forced?.[row] ?? last ?? chosen?.[row] ?? padToken;
        ended[row] = endTokens.has(token);
        return token;
      });
      yield { tokenIds };
      if (ended.every(Boolean)) return;
    }
  } finally {
    // The session may be used again only when its steps are through.
    await Promise.allSettled(underWay);
  }
}
