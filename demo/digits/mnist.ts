// The 10,000 digits of the package "mnist", a part of MNIST, for Node.

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { type Digits, pixelsOf, selectDigits } from './digits.ts';

const require = createRequire(import.meta.url);

/** All of them, digit by digit: those with label 0, those with label 1, and so on. */
export async function readMnist(): Promise<Digits> {
  const classes: number[][] = [];
  for (let label = 0; label < 10; label++) {
    const text = await readFile(require.resolve(`mnist/src/digits/${label}.json`), 'utf8');
    classes.push((JSON.parse(text) as { data: number[] }).data);
  }
  return {
    count: classes.reduce((sum, { length }) => sum + length / pixelsOf, 0),
    pixels: Uint8Array.from(classes.flat(), (value) => Math.round(255 * value)),
    labels: Uint8Array.from(
      classes.flatMap(({ length }, label) => Array<number>(length / pixelsOf).fill(label)),
    ),
  };
}

/** Three digits in twenty are never trained on. */
const isHeldOut = (index: number): boolean => index % 20 < 3;

export function heldOutOf(digits: Digits): Digits {
  return selectDigits(digits, isHeldOut);
}

export function trainingOf(digits: Digits): Digits {
  return selectDigits(digits, (index) => !isHeldOut(index));
}
