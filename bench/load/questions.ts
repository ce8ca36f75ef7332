// What clients ask: prompts of several lengths, greedily and with a seed.

export interface Question {
  readonly model: 'novels' | 'phrases';
  readonly prompt: string;
  /** Greedily when absent. */
  readonly seed?: number;
}

const opening =
  'The family of Dashwood had long been settled in Sussex. Their estate was large, and their residence was at ' +
  'Norland Park, in the centre of their property, where, for many generations, they had lived in so respectable a ' +
  'manner as to engage the general good opinion of their surrounding acquaintance.';
const words = opening.split(' ');

const texts: readonly Question[] = Array.from({ length: 28 }, (_, i) => ({
  model: 'novels',
  prompt: words.slice(0, 1 + ((i * 11) % words.length)).join(' '),
  ...(i % 2 === 0 ? {} : { seed: i }),
}));

const phrases: readonly Question[] = ['>>de<<in 3 days', '>>fr<<20 kilometers per hour'].map(
  (prompt) => ({ model: 'phrases', prompt }),
);

/** One in fifteen is a translation, which the server answers one after the other. */
export const questions: readonly Question[] = phrases.flatMap((phrase, i) => [
  ...texts.slice(14 * i, 14 * (i + 1)),
  phrase,
]);
