// SentencePiece's normalization rules as checkpoints carry them: a double array (a trie in one array
// of 32-bit units) from UTF-8 bytes to places in a list of replacements.

import type { AlignedText, Span } from './aligned-text.ts';

/** The normalization that a `precompiled_charsmap` (base64) describes. Throws when it is cut off. */
export function precompiledMap(base64: string): (text: AlignedText) => AlignedText {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  const trieBytes = view.getUint32(0, true);
  if (trieBytes % 4 > 0 || trieBytes > bytes.length - 4) {
    throw new TypeError('its precompiled_charsmap is cut off');
  }
  const units = Uint32Array.from({ length: trieBytes / 4 }, (_, i) =>
    view.getUint32(4 + 4 * i, true),
  );
  const replacements = bytes.subarray(4 + trieBytes);
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();

  const found = new Map<string, string | undefined>();
  /** The replacement of the shortest prefix that has one. */
  const find = (text: string): string | undefined => {
    if (!found.has(text)) found.set(text, search(text));
    return found.get(text);
  };
  const search = (text: string): string | undefined => {
    let at = childOffset(units[0] ?? 0);
    for (const byte of encoder.encode(text)) {
      at ^= byte;
      const unit = units[at] ?? 0;
      if (byte === 0 || (unit & 0x8000_00ff) !== byte) return undefined;
      at ^= childOffset(unit);
      if ((unit & 0x100) !== 0) {
        const start = (units[at] ?? 0) & 0x7fff_ffff;
        return decoder.decode(replacements.subarray(start, replacements.indexOf(0, start)));
      }
    }
    return undefined;
  };

  return (text) =>
    text.rewrite((put) => {
      for (const [grapheme, index] of graphemes(text.text)) {
        // A short grapheme is looked up as a whole, then each of its characters.
        const whole = encoder.encode(grapheme).length < 6 ? find(grapheme) : undefined;
        if (whole !== undefined) {
          spread(grapheme, index, whole, put);
          continue;
        }
        let at = index;
        for (const character of grapheme) {
          put(find(character) ?? character, [at, (at += character.length)]);
        }
      }
    });
}

/** A character, and what may belong to its grapheme: Latin, kana and ideographs always begin one. */
const runs = /[^][^\0-\u02ff\u3041-\u3096\u30a1-\u30fa\u3400-\u9fff]+|\r\n|[^]/gu;

/** UTF-16 units that the segmenter gets at once: its time grows with the square of their number. */
const fewUnits = 256;

/** The graphemes of a text and where they begin. */
function* graphemes(text: string): Generator<readonly [grapheme: string, index: number]> {
  const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
  for (const { 0: run, index: start } of text.matchAll(runs)) {
    if (run.length === 1) {
      yield [run, start];
      continue;
    }
    let units = fewUnits;
    for (let at = 0; at < run.length;) {
      const segments = [...segmenter.segment(run.slice(at, at + units))];
      // The last one may go on. What comes after a grapheme does not depend on what was before it.
      if (at + units < run.length) segments.pop();
      for (const { segment } of segments) {
        yield [segment, start + at];
        at += segment.length;
      }
      units = segments.length === 0 ? 2 * units : fewUnits;
    }
  }
}

/** Characters of a replacement belong to those they replace one by one, further ones to the last. */
function spread(
  given: string,
  start: number,
  replacement: string,
  put: (text: string, span: Span) => void,
): void {
  const places: Span[] = [];
  let at = start;
  for (const character of given) places.push([at, (at += character.length)]);
  Array.from(replacement).forEach((character, i) => {
    put(character, places[Math.min(i, places.length - 1)] ?? [start, at]);
  });
}

/** Where the children of a unit lie, relative to it. */
function childOffset(unit: number): number {
  return (unit >>> 10) << ((unit & 0x200) >>> 6);
}
