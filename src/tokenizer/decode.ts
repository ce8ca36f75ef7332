// The decoders of tokenizer.json: from tokens back to a text. The rules follow the Rust library.

import { isObject, type JsonObject, show } from '../source/json.ts';
import { byteOf, compilePattern, type Match, type RegexCompiler } from './patterns.ts';

/** One step from tokens to a text, which is what the last step's tokens are together. */
export type Decode = (tokens: readonly string[]) => readonly string[];

/**
 * How much of a text may be given out before its last token is there: all but unfinished characters
 * (`plain`), all but what the bytes at the end stand for (`bytes`), or nothing (`whole`).
 */
export type Certainty = 'plain' | 'bytes' | 'whole';

export interface Decoder {
  readonly decode: Decode;
  readonly certainty: Certainty;
}

/** The decoder that tokenizer.json describes; throws a TypeError for an unknown one. */
export function compileDecoder(config: unknown, regex: RegexCompiler | undefined): Decoder {
  const steps = stepsOf(config);
  const decoders = steps.map((step) => compileStep(step, regex));
  const kinds = steps.map((step) => step['type']);
  const fused = kinds.findIndex((kind) => kind === 'Fuse' || kind === 'ByteLevel');
  // A rule for the whole text, or for its last token, may change it once more of it is known.
  const isLate =
    kinds.includes('BPEDecoder') ||
    (fused >= 0 && kinds.slice(fused + 1).some((kind) => kind !== 'Strip' && kind !== 'Fuse'));
  const certainty = isLate ? 'whole' : kinds.includes('ByteFallback') ? 'bytes' : 'plain';
  return {
    decode: (tokens) => decoders.reduce((parts, step) => step(parts), tokens),
    certainty,
  };
}

/** The steps of a decoder, one after the other. */
function stepsOf(config: unknown): JsonObject[] {
  if (config === null || config === undefined) return [{ type: 'Spaces' }];
  if (!isObject(config)) throw new TypeError(`its decoder is ${show(config)}`);
  const { type, decoders } = config;
  if (type !== 'Sequence') return [config];
  return (Array.isArray(decoders) ? decoders : []).flatMap(stepsOf);
}

function compileStep(config: JsonObject, regex: RegexCompiler | undefined): Decode {
  const text = (name: string, usual: string): string => {
    const value = config[name];
    return typeof value === 'string' ? value : usual;
  };
  switch (config['type']) {
    case 'Spaces':
      return (tokens) => [tokens.join(' ')];
    case 'ByteLevel':
      return (tokens) => [utf8.decode(Uint8Array.from(tokens.flatMap(bytesOf)))];
    case 'WordPiece':
      return wordPiece(text('prefix', '##'), config['cleanup'] !== false);
    case 'Metaspace': {
      const mark = text('replacement', '\u2581');
      const keeps = config['prepend_scheme'] === 'never' || config['add_prefix_space'] === false;
      return (tokens) =>
        tokens.map((token, i) => token.replaceAll(mark, i === 0 && !keeps ? '' : ' '));
    }
    case 'BPEDecoder': {
      const suffix = text('suffix', '</w>');
      return (tokens) =>
        tokens.map((token, i) => token.replaceAll(suffix, i === tokens.length - 1 ? '' : ' '));
    }
    case 'CTC': {
      const pad = text('pad_token', '<pad>');
      const delimiter = text('word_delimiter_token', '|');
      const tidy = (token: string): string =>
        config['cleanup'] === false ? token : cleanedUp(token).replaceAll(delimiter, ' ');
      return (tokens) =>
        tokens
          .filter((token, i) => token !== tokens[i - 1])
          .map((token) => tidy(token.replaceAll(pad, '')))
          .filter((token) => token !== '');
    }
    case 'Replace': {
      const find = compilePattern(config['pattern'], regex);
      const content = text('content', '');
      return (tokens) => tokens.map((token) => replaced(token, find(token).matches, content));
    }
    case 'Fuse':
      return (tokens) => [tokens.join('')];
    case 'Strip':
      return strip(text('content', ' '), Number(config['start'] ?? 0), Number(config['stop'] ?? 0));
    case 'ByteFallback':
      return byteFallback;
    default:
      throw new TypeError(`its decoder ${show(config['type'])} is not supported`);
  }
}

/** A text with each match replaced. */
function replaced(text: string, matches: readonly Match[], content: string): string {
  let [written, at] = ['', 0];
  for (const [start, end] of matches) {
    written += text.slice(at, start) + content;
    at = end;
  }
  return written + text.slice(at);
}

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
const strictUtf8 = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true });
const encoder = new TextEncoder();

/** The bytes that the letters of a byte-level token stand for; other tokens are text. */
function bytesOf(token: string): number[] {
  const bytes = Array.from(token, byteOf);
  return bytes.every((byte) => byte !== undefined) ? bytes : [...encoder.encode(token)];
}

function wordPiece(prefix: string, cleanup: boolean): Decode {
  const joined = (token: string, i: number): string => {
    if (i === 0) return token;
    return token.startsWith(prefix) ? token.slice(prefix.length) : ` ${token}`;
  };
  return (tokens) =>
    tokens.map((token, i) => (cleanup ? cleanedUp(joined(token, i)) : joined(token, i)));
}

/** Spaces before punctuation and contractions taken out of a token. */
function cleanedUp(token: string): string {
  return token
    .replaceAll(/ ([.?!,])/g, '$1')
    .replaceAll(" ' ", "'")
    .replaceAll(" n't", "n't")
    .replaceAll(" 'm", "'m")
    .replaceAll(' do not', " don't")
    .replaceAll(/ '(s|ve|re)/g, "'$1");
}

/** The same for a whole text, as tokenizer_config.json may ask. */
export function cleanedUpText(text: string): string {
  return [' .', ' ?', ' !', ' ,', " ' ", " n't", " 'm", " 's", " 've", " 're"].reduce(
    (cleaned, found) => cleaned.replaceAll(found, found.trim()),
    text,
  );
}

/** A text up to the space at its end that clean-up may still join to what follows. */
export function withoutOpenSpace(text: string): string {
  let at = text.length;
  while (at > 0 && " 'nvr".includes(text[at - 1] ?? '')) at--;
  const space = text.indexOf(' ', at);
  return space < 0 ? text : text.slice(0, space);
}

/** Up to `start` and `stop` of a character taken from the ends. */
function strip(content: string, start: number, stop: number): Decode {
  return (tokens) =>
    tokens.map((token) => {
      let from = 0;
      let to = token.length;
      while (from < start && token[from] === content) from++;
      while (token.length - to < stop && to > from && token[to - 1] === content) to--;
      return token.slice(from, to);
    });
}

/** The byte of a token such as `<0x0A>`. */
export function fallbackByte(token: string): number | undefined {
  const [, byte] = /^<0x([\dA-Fa-f]{2})>$/.exec(token) ?? [];
  return byte === undefined ? undefined : Number.parseInt(byte, 16);
}

/** Runs of byte tokens as the characters they spell, or each as U+FFFD where they spell none. */
const byteFallback: Decode = (tokens) => {
  const parts: string[] = [];
  let run: number[] = [];
  const finish = (): void => {
    if (run.length === 0) return;
    try {
      parts.push(strictUtf8.decode(Uint8Array.from(run)));
    } catch {
      for (const _ of run) parts.push('\ufffd');
    }
    run = [];
  };
  for (const token of tokens) {
    const byte = fallbackByte(token);
    if (byte !== undefined) run.push(byte);
    else {
      finish();
      parts.push(token);
    }
  }
  finish();
  return parts;
};
