// The embedded translator as tests of training see it: loaded to train, with phrases to try it on.

import { type Gpu, type ModelInputs, pipeline, type TranslationPipeline } from 'webgpu-transformer';
import { sequenceBatch } from 'webgpu-transformer/training';
import { drawPhrases, type Phrase } from '../../src/phrases/phrases.ts';
import { fixtureSource } from './source.ts';

/** A translator whose weights can be trained and pruned. */
export async function trainableTranslator(gpu: Gpu): Promise<TranslationPipeline> {
  return pipeline('translation', fixtureSource('models/phrases'), { gpu, training: true });
}

/** `count` phrases of all kinds and directions, at most 48 different ones. */
export function somePhrases(seed: number, count: number): Phrase[] {
  // Neighbours are of one direction: 7 has no factor in common with 48.
  const all = drawPhrases(seed, 1);
  return Array.from({ length: count }, (_, i) => all[(7 * i) % all.length]!);
}

/** Phrases with their first answer as a batch to train on. */
export function phraseBatch(
  translate: TranslationPipeline,
  phrases: readonly Phrase[],
): ModelInputs {
  const pairs = phrases.map(({ text, to, answers }) => ({
    source: translate.encode(text, { to }),
    target: translate.tokenizer.encode(answers[0]),
  }));
  return sequenceBatch(pairs, 0);
}

/** How many phrases are translated as Intl renders them, to the character. */
export async function countRight(
  translate: TranslationPipeline,
  phrases: readonly Phrase[],
): Promise<number> {
  let right = 0;
  for (const to of translate.languages) {
    const mine = phrases.filter((phrase) => phrase.to === to);
    if (mine.length === 0) continue;
    // A broken model would babble up to the length that the model allows.
    const options = { to, maxNewTokens: 40 };
    const answers = await translate(
      mine.map(({ text }) => text),
      options,
    );
    for (const [i, { answers: wanted }] of mine.entries()) {
      if (wanted.includes(answers[i]?.translationText ?? '')) right += 1;
    }
  }
  return right;
}
