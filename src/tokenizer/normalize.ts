// The normalizers of tokenizer.json, on texts that remember where they came from. What each does to
// a text, and to which character of the input a character of the output belongs, follows the Rust
// library that checkpoints are made with.

import { isObject, type JsonObject, show } from '../source/json.ts';
import type { AlignedText } from './aligned-text.ts';
import { afterSpaces, beforeSpaces, compilePattern, type RegexCompiler } from './patterns.ts';
import { type UnicodeForm, unicodeForm } from './unicode-form.ts';

/** One step of normalization. */
export type Normalize = (text: AlignedText) => AlignedText;

/** Code that few files need, loaded where a file needs it. */
export interface TextTools {
  /** A step by SentencePiece's rules, in base64. */
  readonly precompiled?: ((rules: string) => Normalize) | undefined;
  readonly regex?: RegexCompiler | undefined;
}

/** The normalizer that tokenizer.json describes; throws a TypeError for an unknown one. */
export function compileNormalizer(config: unknown, tools: TextTools): Normalize {
  if (config === null || config === undefined) return (text) => text;
  if (!isObject(config)) throw new TypeError(`its normalizer is ${show(config)}`);
  switch (config['type']) {
    case 'Sequence': {
      const { normalizers } = config;
      const steps = (Array.isArray(normalizers) ? normalizers : []).map((step) =>
        compileNormalizer(step, tools),
      );
      return (text) => steps.reduce((normalized, step) => step(normalized), text);
    }
    case 'BertNormalizer':
      return bertNormalizer(config);
    case 'NFC':
    case 'NFD':
    case 'NFKC':
    case 'NFKD': {
      const form: UnicodeForm = config['type'];
      return (text) => unicodeForm(text, form);
    }
    case 'Lowercase':
      return lowercase;
    case 'StripAccents':
      return (text) => without(text, /\p{M}/u);
    case 'Strip': {
      const { strip_left: left, strip_right: right } = config;
      return (text) => {
        const start = left === true ? afterSpaces(text.text) : 0;
        const { length } = text.text;
        const end = right === true ? beforeSpaces(text.text, start, length) : length;
        return text.slice(start, end);
      };
    }
    case 'Prepend': {
      const { prepend } = config;
      if (typeof prepend !== 'string') throw new TypeError(`its Prepend puts ${show(prepend)}`);
      return (text) => text.prepend(prepend);
    }
    case 'Replace': {
      const find = compilePattern(config['pattern'], tools.regex);
      const { content = '' } = config;
      if (typeof content !== 'string') throw new TypeError(`its Replace puts ${show(content)}`);
      return (text) => text.replaceAll(find(text.text).matches, content);
    }
    case 'Precompiled': {
      const { precompiled_charsmap: map } = config;
      const isThere = typeof map === 'string' && map !== '' && tools.precompiled !== undefined;
      return isThere ? tools.precompiled(map) : (text) => text;
    }
    default:
      throw new TypeError(`its normalizer ${show(config['type'])} is not supported`);
  }
}

/** Lower case, character by character: a sigma stays σ wherever it stands. */
function lowercase(text: AlignedText): AlignedText {
  return text.mapCharacters((character) => character.toLowerCase());
}

function without(text: AlignedText, pattern: RegExp): AlignedText {
  return text.mapCharacters((character) => (pattern.test(character) ? '' : character));
}

/** BERT's cleaning: control characters out, CJK characters apart, accents and case removed. */
function bertNormalizer(config: JsonObject): Normalize {
  const isLower = config['lowercase'] === true;
  const accents = config['strip_accents'] ?? isLower;
  return (given) => {
    let text = given;
    if (config['clean_text'] === true) {
      text = text.mapCharacters((character) => {
        if (/[\t\n\r]/.test(character)) return ' ';
        if (/[\0\ufffd\p{Cc}\p{Cf}\p{Co}\p{Cs}]/u.test(character)) return '';
        return /\p{White_Space}/u.test(character) ? ' ' : character;
      });
    }
    if (config['handle_chinese_chars'] === true) {
      text = text.mapCharacters((character) => (isCjk(character) ? ` ${character} ` : character));
    }
    if (accents === true) text = without(unicodeForm(text, 'NFD'), /\p{Mn}/u);
    return isLower ? lowercase(text) : text;
  };
}

/** The blocks of CJK ideographs that BERT sets apart. */
function isCjk(character: string): boolean {
  return /[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u{20000}-\u{2a6df}\u{2a700}-\u{2b81f}\u{2b920}-\u{2ceaf}\u{2f800}-\u{2fa1f}]/u.test(
    character,
  );
}
