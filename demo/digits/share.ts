// The digits that the page brings, digits.bin: the first part is learned from, the rest never, by no model.

import { type Digits, readDigits, selectDigits } from './digits.ts';

export const trainingCount = 2500;
export const heldOutCount = 500;

let fetched: Promise<Digits> | undefined;

/** The digits, fetched once. @throws Error when they are not there */
export function fetchDigits(): Promise<Digits> {
  fetched ??= read().catch((error: unknown) => {
    fetched = undefined;
    throw error;
  });
  return fetched;
}

async function read(): Promise<Digits> {
  const response = await fetch(new URL('digits.bin', import.meta.url));
  if (!response.ok) throw new Error(`The digits did not come: HTTP status ${response.status}.`);
  return readDigits(await response.blob());
}

export function training(digits: Digits): Digits {
  return selectDigits(digits, (index) => index < trainingCount);
}

export function heldOut(digits: Digits): Digits {
  return selectDigits(digits, (index) => index >= trainingCount);
}
