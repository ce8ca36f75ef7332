// Phrases drawn from a seed, as Intl renders them: pairs to train a translator, and phrases with every
// answer that is right, to evaluate one.

import { Random } from '../model/random.ts';
import { hash } from './hash.ts';
import { directionsOf, drawNearTime, type Field, isHeldOut, recipeField } from './fields.ts';
import { type Kind, type Language, type Meaning, render } from './meanings.ts';

export interface Phrase {
  readonly kind: Kind;
  readonly from: Language;
  readonly to: Language;
  readonly text: string;
  /**
   * What Intl gives for the styles in which the text reads like this, each once, in the order of the
   * styles. All are right; training takes the first, so that equal texts have equal targets.
   */
  readonly answers: readonly [string, ...string[]];
}

/** What the model reads (the target language leads) and what it has to write. */
export interface PhrasePair {
  readonly source: string;
  readonly target: string;
}

const { kinds } = recipeField;

/** The 12 directions of the recipe. */
export const directions: readonly { readonly from: Language; readonly to: Language }[] =
  directionsOf(recipeField);

/**
 * `count` phrases of each kind of a field in each direction, of any meaning, those of training
 * included.
 */
export function drawPhrases(seed: number, count: number, field: Field = recipeField): Phrase[] {
  return drawEach(seed, count, field, (random, kind) => field.draw(random, kind));
}

/** `count` phrases of each kind in each direction, of meanings that the recipe never draws to train. */
export function unseenPhrases(seed: number, count: number): Phrase[] {
  return drawEach(seed, count, recipeField, (random, kind) => {
    for (;;) {
      const meaning = recipeField.draw(random, kind);
      if (isHeldOut(meaning)) return meaning;
    }
  });
}

/**
 * Pair number `index` (from 0) of the recipe's training data of a seed. There is no end to them, and each is
 * drawn by itself, so that a run resumed at any step continues exactly. Of 48 pairs in a row, one is
 * of each kind in each direction.
 */
export function pairAt(seed: number, index: number): PhrasePair {
  const phrase = trainingPhrase(seed, index);
  return { source: `>>${phrase.to}<<${phrase.text}`, target: phrase.answers[0] };
}

/** The pairs of training step `step` (from 0), `size` in each. */
export function batchAt(seed: number, step: number, size: number): PhrasePair[] {
  return Array.from({ length: size }, (_, i) => pairAt(seed, step * size + i));
}

/** The phrase behind a training pair. */
export function trainingPhrase(seed: number, index: number): Phrase {
  // The kind changes more slowly than the direction, so that a small batch has all directions.
  const { from, to } = directions[index % directions.length] as (typeof directions)[number];
  const kind = kinds[Math.floor(index / directions.length) % kinds.length] as Kind;
  const random = new Random(hash([seed, index]));
  return drawPhrase(random, trainingMeaning(random, kind), from, to);
}

/** Meanings as evaluation draws them, but for those held out, and with more of the special words. */
function trainingMeaning(random: Random, kind: Kind): Meaning {
  if (kind === 'relativeTime' && random.integer(1, 8) === 1) return drawNearTime(random);
  for (;;) {
    const meaning = recipeField.draw(random, kind);
    if (!isHeldOut(meaning)) return meaning;
  }
}

function drawEach(
  seed: number,
  count: number,
  field: Field,
  draw: (random: Random, kind: Kind) => Meaning,
): Phrase[] {
  const random = new Random(seed);
  const phrases: Phrase[] = [];
  for (const { from, to } of directionsOf(field)) {
    for (const kind of field.kinds) {
      for (let i = 0; i < count; i++) {
        phrases.push(drawPhrase(random, draw(random, kind), from, to));
      }
    }
  }
  return phrases;
}

/** A meaning as a phrase to translate, in a style of its own. */
function drawPhrase(random: Random, meaning: Meaning, from: Language, to: Language): Phrase {
  const [sources, targets] = [render(meaning, from), render(meaning, to)];
  const text = random.pick(sources);
  const answers = new Set(targets.filter((_, style) => sources[style] === text));
  return { kind: meaning.kind, from, to, text, answers: [...answers] as [string, ...string[]] };
}
