// Options of commands that are more than texts.

import { TransformerError } from '../index.node.ts';

/** A whole number of at least `least`; undefined when the option was not given. */
export function wholeOption(name: string, text: string | undefined, least = 0): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value < 2 ** 32) return value;
  const wanted = least === 0 ? 'a whole number' : `a whole number of at least ${least}`;
  throw new TransformerError('OPTION_INVALID', `${name} is "${text}"; wanted ${wanted}.`);
}

/** A number above 0; undefined when the option was not given. */
export function positiveOption(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value > 0) return value;
  throw new TransformerError('OPTION_INVALID', `${name} is "${text}"; wanted a number above 0.`);
}
