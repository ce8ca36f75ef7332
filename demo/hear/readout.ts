// What the chosen word shows, in words.

import { create } from '../elements.ts';
import type { Look } from './recognizer.ts';

export function readout({ words, seconds }: Look, index: number): (Node | string)[] {
  const word = words[index];
  if (word === undefined) return [];
  const { text, weights, timestamp } = word;
  const [start, end] = timestamp;
  const most = weights.reduce((a, b) => Math.max(a, b), 0);
  const at = ((weights.indexOf(most) + 0.5) * seconds) / weights.length;
  return [
    create('b', {}, `«${text.trim()}»`),
    start === null || end === null ? '' : ` from ${start.toFixed(2)} s to ${end.toFixed(2)} s`,
    `, most attention at ${at.toFixed(2)} s: `,
    create('b', { className: 'weight' }, most.toFixed(3)),
  ];
}
