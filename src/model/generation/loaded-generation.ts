// The generation of a loaded model: its weights, and what several of its calls share.

import { assertCurrent, type LoadedParts } from '../model.ts';
import { Generation } from './generation.ts';
import type { DecodingModel } from './request.ts';
import { type Decoder, Session } from './session.ts';

export { languagePrompt } from './prompt.ts';

/** `about`: what is asked of its calls. */
export function generationOf(
  parts: LoadedParts,
  weights: Omit<Decoder, 'cacheDtype'>,
  about: Pick<
    DecodingModel,
    'generation' | 'vocabulary' | 'maxPositions' | 'forward' | 'points' | 'read'
  >,
): Generation {
  const { gpu, scope, config, cacheDtype } = parts;
  const decoder = { ...weights, cacheDtype };
  const { stage } = weights;
  const sessions = new Set<Session>();
  return new Generation({
    gpu,
    scope,
    config,
    stage,
    ...about,
    steadyLength: (decoder.rotary ?? []).reduce(
      (least, { frequencies }) => Math.min(least, frequencies.steadyLength),
      Infinity,
    ),
    createSession: (shape, look) => {
      assertCurrent(parts);
      return Session.create(scope, decoder, shape, { others: sessions, look });
    },
    shareCache: async (sizes) => {
      assertCurrent(parts);
      const { SharedCache } = await import('./batch/shared-cache.ts');
      return SharedCache.create(scope, decoder, sizes);
    },
  });
}
