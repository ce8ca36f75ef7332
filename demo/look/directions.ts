// Directions to begin with: texts of one kind and of another.

import type { State } from './state.ts';

/** The words that name them. */
export type DirectionName = 'mood' | 'gender' | 'speech';

type Texts = Pick<State, 'toward' | 'away'>;

export const directions: Readonly<Record<DirectionName, Texts>> = {
  mood: {
    toward: 'She was happy.\nHow delightful!\nShe smiled with pleasure.',
    away: 'She was miserable.\nHow dreadful!\nShe wept with grief.',
  },
  gender: {
    toward: 'She is a lady.\nShe took her sister’s hand.\nHer mother was there.',
    away: 'He is a gentleman.\nHe took his brother’s hand.\nHis father was there.',
  },
  speech: {
    toward: '“My dear,” said she, “do come in!”\n“Indeed, I am sure of it.”\n“Oh! yes,” cried he.',
    away: 'The house stood on rising ground.\nA week passed away.\nThe road led through a wood.',
  },
};

/** The name of the direction between these texts; undefined for a visitor's own. */
export function directionOf({ toward, away }: Texts): DirectionName | undefined {
  const names = Object.keys(directions) as DirectionName[];
  return names.find((name) => directions[name].toward === toward && directions[name].away === away);
}
