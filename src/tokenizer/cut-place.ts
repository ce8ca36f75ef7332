// Where a long text may be cut before it is tokenized, so that what the cut leaves reads the same
// tokens as in the whole text: between a letter and a space or a stop, or two ideographs, which nothing
// joins in the rules before the words; words that lie across the cut are not counted on.

import { isObject } from '../source/json.ts';

/** Letters and digits that nothing behind them changes, and what may stand behind the cut. */
const letter =
  'A-Za-z0-9\\u0410-\\u044f\\u05d0-\\u05ea\\u0620-\\u064a\\u3041-\\u3096\\u30a1-\\u30fa\\u4e00-\\u9fff\\uac00-\\ud7a3';
const after = ' \\n.,\\u3001\\u3002';
const ideograph = '[\\u4e00-\\u9fff]';
const place = new RegExp(`[${letter}](?=[${after}])|${ideograph}(?=${ideograph})`, 'g');
/** What ends with an ideograph may be a whole word before the cut, and none in the whole text. */
const taken = new RegExp(`[${letter}][${after}\\u2581]|${ideograph}(?:${ideograph}|$)`);

/** The first place for a cut from `from` to before `to`; -1 when there is none. */
export function cutPlace(text: string, from: number, to: number): number {
  const part = text.slice(from, to);
  place.lastIndex = 0;
  const found = place.exec(part);
  return found === null ? -1 : from + found.index + 1;
}

/** Whether a text, such as an added token, may lie across a cut. */
export function liesAcross(content: string): boolean {
  return taken.test(content);
}

/** Runs of spaces: what is told of them by a letter before them stays so. */
const spaceRun = /^(?: |\\s|\[[ \\stnr]+\])(?:[+*]|\{\d+,?\d*\})?$/;

/** Whether a normalizer treats what stands before a cut by itself. */
export function isLocal(normalizer: unknown): boolean {
  if (!isObject(normalizer)) return true;
  const { type, normalizers, pattern } = normalizer;
  if (type === 'Sequence') return Array.isArray(normalizers) && normalizers.every(isLocal);
  if (type !== 'Replace') return true;
  const { String: text, Regex: source } = isObject(pattern) ? pattern : {};
  if (typeof source === 'string') return spaceRun.test(source);
  return typeof text === 'string' && !liesAcross(text);
}
