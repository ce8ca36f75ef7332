// Conversations about lengths, masses, times and volumes, answered in a house style that no model was taught: the sum as a
// line of its own, then the word "Done". Drawn by a seed, so that everybody has the same ones.

import { Random } from '../../src/model/random.ts';
import type { ChatMessage } from 'webgpu-transformer';

/** A unit, and a smaller one with as many of it as make one. */
const units: readonly (readonly [large: string, small: string, count: number])[] = [
  ['kilometers', 'meters', 1000],
  ['meters', 'centimeters', 100],
  ['kilograms', 'grams', 1000],
  ['tons', 'kilograms', 1000],
  ['hours', 'minutes', 60],
  ['minutes', 'seconds', 60],
  ['days', 'hours', 24],
  ['weeks', 'days', 7],
  ['liters', 'milliliters', 1000],
];

const questions: readonly ((large: string, small: string, value: number) => string)[] = [
  (large, small, value) => `How many ${small} are ${value} ${large}?`,
  (large, small, value) => `Convert ${value} ${large} to ${small}, please.`,
  (large, small, value) => `I have ${value} ${large}. What is that in ${small}?`,
  (large, small, value) => `${value} ${large} in ${small}?`,
];

export interface Chat {
  readonly messages: readonly ChatMessage[];
}

/** So many conversations of one turn each. */
export function drawChats(count: number, seed: number): Chat[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => {
    const [large, small, times] = random.pick(units);
    const value = random.integer(2, 40);
    const content = random.pick(questions)(large, small, value);
    const answer = `${value} ${large} = ${value * times} ${small}\nDone.`;
    return {
      messages: [
        { role: 'system', content: 'You convert units.' },
        { role: 'user', content },
        { role: 'assistant', content: answer },
      ],
    };
  });
}
