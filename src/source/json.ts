// JSON of model files, which nobody has checked before us: errors that name file and position on
// every engine, and the duplicate keys which JSON.parse would silently drop.

import { TransformerError } from '../runtime/errors.ts';
import { show } from '../runtime/print.ts';

export { show } from '../runtime/print.ts';

/** One number or literal of JSON, anchored where `lastIndex` stands. */
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

/** A JSON object: string keys, unchecked values. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** True for objects, not for arrays and null. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Parses JSON. Throws `FILE_INVALID` naming `file` (as it should read in a message) and the line
 * and column (from 1) of the first wrong character.
 */
export function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const at = scanJson(text);
    const lines = text.slice(0, Math.max(at, 0)).split('\n');
    const place = `line ${lines.length}, column ${(lines.at(-1) ?? '').length + 1}`;
    const character = String.fromCodePoint(text.codePointAt(at) ?? 0);
    const found =
      at < text.length
        ? `got ${show(character)} at ${place}. Correct it or download the file again.`
        : `it breaks off at ${place}. Download the file again.`;
    throw new TransformerError('FILE_INVALID', `${file} is not valid JSON: ${found}`, { cause });
  }
}

/** The first key that the outermost object of a valid JSON text has twice, else undefined. */
export function duplicateKey(text: string): string | undefined {
  const keys = new Set<string>();
  let duplicate: string | undefined;
  scanJson(text, (quoted, depth) => {
    if (depth !== 1) return;
    const key = String(JSON.parse(quoted));
    if (keys.has(key)) duplicate ??= key;
    keys.add(key);
  });
  return duplicate;
}

/**
 * Walks the grammar of RFC 8259 without recursion and reports each key with its quotes and depth.
 * Returns the index of the first character that breaks it (the length: something is missing at
 * the end), or -1.
 */
function scanJson(text: string, onKey?: (quoted: string, depth: number) => void): number {
  const open: ('{' | '[')[] = [];
  let want: 'value' | 'valueOrEnd' | 'key' | 'keyOrEnd' | 'colon' | 'separator' = 'value';
  let at = 0;
  for (;;) {
    while (' \t\n\r'.includes(text[at] ?? '.')) at++;
    const character = text[at];
    const inner = open.at(-1);
    const wantsValue: boolean = want === 'value' || want === 'valueOrEnd';
    if (character === undefined) {
      return want === 'separator' && inner === undefined ? -1 : at;
    } else if (
      (character === '}' && inner === '{' && (want === 'keyOrEnd' || want === 'separator')) ||
      (character === ']' && inner === '[' && (want === 'valueOrEnd' || want === 'separator'))
    ) {
      open.pop();
      want = 'separator';
    } else if (character === ',' && want === 'separator' && inner !== undefined) {
      want = inner === '{' ? 'key' : 'value';
    } else if (character === ':' && want === 'colon') {
      want = 'value';
    } else if ((character === '{' || character === '[') && wantsValue) {
      open.push(character);
      want = character === '{' ? 'keyOrEnd' : 'valueOrEnd';
    } else if (character === '"' && want !== 'colon' && want !== 'separator') {
      const { end, closed } = scanString(text, at);
      if (!closed) return end;
      if (!wantsValue) onKey?.(text.slice(at, end), open.length);
      want = wantsValue ? 'separator' : 'colon';
      at = end;
      continue;
    } else {
      SCALAR.lastIndex = at;
      if (!wantsValue || !SCALAR.test(text)) return at;
      want = 'separator';
      at = SCALAR.lastIndex;
      continue;
    }
    at++;
  }
}

/** From an opening quote to past its closing one, or to the character that may not stand there. */
function scanString(text: string, start: number): { end: number; closed: boolean } {
  for (let at = start + 1; at < text.length; at++) {
    const character = text[at] ?? '';
    if (character === '"') return { end: at + 1, closed: true };
    if (character < ' ') return { end: at, closed: false };
    if (character === '\\') {
      const escape = /^(?:["\\/bfnrt]|u[\dA-Fa-f]{4})/.exec(text.slice(at + 1, at + 6))?.[0];
      if (escape === undefined) return { end: Math.min(at + 1, text.length), closed: false };
      at += escape.length;
    }
  }
  return { end: text.length, closed: false };
}
