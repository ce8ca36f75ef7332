// Phrases drawn from a seed, as Intl renders them: pairs to train a translator, and phrases with every
// answer that is right, to evaluate one.

import { alikeMeanings } from './alike.ts';
import { Random } from '../model/random.ts';
import { hash } from './hash.ts';
import { type Direction, type Drill, type Field, narrowField, type Turn } from './fields.ts';
import { isHeldOut } from './held-out.ts';
import { isReadable, type Kind, type Language, type Meaning, render } from './meanings.ts';
import { drawOutside, outsideToken } from './outside.ts';

export interface Phrase {
  readonly kind: Kind;
  readonly from: Language;
  readonly to: Language;
  readonly text: string;
  /**
   * What Intl gives for the styles in which the text reads like this, each once, in the order of the styles, then for
   * other meanings of the field that read like this. All are right; training takes the first, so that equal texts of a
   * meaning have equal targets.
   */
  readonly answers: readonly [string, ...string[]];
}

/** What the model reads (the target language leads) and what it has to write. */
export interface PhrasePair {
  readonly source: string;
  readonly target: string;
}

/** `count` phrases of each kind of a field in each direction, of any meaning, those of training included. */
export function drawPhrases(seed: number, count: number, field: Field = narrowField): Phrase[] {
  return drawEach(seed, count, field, (random, kind) => field.draw(random, kind));
}

/** `count` phrases of each kind in each direction, of meanings that training never draws. */
export function unseenPhrases(seed: number, count: number, field: Field = narrowField): Phrase[] {
  return drawEach(seed, count, field, (random, kind) => {
    for (;;) {
      const meaning = field.draw(random, kind);
      if (isHeldOut(meaning)) return meaning;
    }
  });
}

/**
 * Pair number `index` (from 0) of a seed's training data of a field. There is no end to them, and each is drawn by
 * itself, so that a run resumed at any step continues exactly. The kinds come in the turns of the field.
 */
export function pairAt(seed: number, index: number, field: Field = narrowField): PhrasePair {
  const { turn, to } = turnAt(index, field);
  if (turn === 'outside') {
    const random = new Random(hash([seed, index]));
    return { source: `>>${to}<<${drawOutside(random)}`, target: outsideToken };
  }
  const { text, answers } = trainingPhrase(seed, index, field);
  return { source: `>>${to}<<${text}`, target: answers[0] };
}

/** The pairs of training step `step` (from 0), `size` in each. */
export function batchAt(seed: number, step: number, size: number, field?: Field): PhrasePair[] {
  return Array.from({ length: size }, (_, i) => pairAt(seed, step * size + i, field));
}

/** The phrase behind a training pair that is inside of the field. */
export function trainingPhrase(seed: number, index: number, field: Field = narrowField): Phrase {
  const { turn, from, to } = turnAt(index, field);
  if (turn === 'outside') throw new RangeError(`pair ${index} is outside of the field`);
  const random = new Random(hash([seed, index]));
  const meaning = trainingMeaning(random, turn, field);
  if (typeof turn === 'string') return drawPhrase(random, meaning, { from, to }, field);
  const among = turn.from?.filter((language) => language !== to);
  const source = among === undefined || among.includes(from) ? from : random.pick(among);
  return drawPhrase(random, meaning, { from: source, to }, field, turn);
}

/** The kind changes more slowly than the direction, so that a small batch has all directions. */
function turnAt(index: number, field: Field): Direction & { readonly turn: Turn } {
  const { directions, turns } = field;
  const { from, to } = directions[index % directions.length] as Direction;
  return { from, to, turn: turns[Math.floor(index / directions.length) % turns.length] as Turn };
}

/** Meanings as evaluation draws them, but for those held out, and with more of the special words. */
function trainingMeaning(random: Random, turn: Kind | Drill | 'near', field: Field): Meaning {
  const isNear = turn === 'near' || (turn === 'relativeTime' && random.integer(1, 8) === 1);
  if (isNear) return field.drawNear(random);
  for (;;) {
    const meaning = typeof turn === 'string' ? field.draw(random, turn) : turn.draw(random);
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
  for (const direction of field.directions) {
    for (const kind of field.kinds) {
      for (let i = 0; i < count; i++) {
        phrases.push(drawPhrase(random, draw(random, kind), direction, field));
      }
    }
  }
  return phrases;
}

/** A meaning as a phrase to translate, in a style of its own. */
function drawPhrase(
  random: Random,
  meaning: Meaning,
  { from, to }: Direction,
  field: Field,
  { isShort = false }: Pick<Drill, 'isShort'> = {},
): Phrase {
  const styles = field.stylesOf(meaning.kind);
  const sources = render(meaning, from, styles);
  const readable = sources.filter((_, style) => isReadable(meaning, from, style));
  const text = isShort ? (readable.at(-1) as string) : random.pick(readable);
  const meanings = [
    meaning,
    ...alikeMeanings(meaning).filter(({ kind }) => field.kinds.includes(kind)),
  ];
  const answers = new Set(
    meanings.flatMap((one) => {
      const read = render(one, from, styles);
      return render(one, to, styles).filter((_, style) => read[style] === text);
    }),
  );
  return { kind: meaning.kind, from, to, text, answers: [...answers] as [string, ...string[]] };
}
