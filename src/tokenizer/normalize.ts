// The normalizers of tokenizer.json, on texts that remember where they came from. What each does to
// a text, and to which character of the input a character of the output belongs, follows the Rust
// library that checkpoints are made with.

import {
  BertNormalizer,
  LowercaseNormalizer,
  NFCNormalizer,
  NFDNormalizer,
  NFKCNormalizer,
  NFKDNormalizer,
  type Normalizer,
  PrecompiledNormalizer,
  PrependNormalizer,
  ReplaceNormalizer,
  SequenceNormalizer,
  StripAccentsNormalizer,
  StripNormalizer,
} from '@huggingface/tokenizers';
import type { AlignedText, Span } from './aligned-text.ts';
import { exactPattern, withoutSpaces } from './patterns.ts';

/** One step of normalization. */
export type Normalize = (text: AlignedText) => AlignedText;

/** A step by SentencePiece's rules, in base64; its code is loaded where a file has some. */
export type PrecompiledMap = (rules: string) => Normalize;

/** What a normalizer of the library does, with alignment. */
export function compileNormalizer(
  normalizer: Normalizer | null,
  precompiled?: PrecompiledMap,
): Normalize {
  if (normalizer === null) return (text) => text;
  if (normalizer instanceof SequenceNormalizer) {
    const steps = normalizer.normalizers.map((step) => compileNormalizer(step, precompiled));
    return (text) => steps.reduce((normalized, step) => step(normalized), text);
  }
  if (normalizer instanceof BertNormalizer) return bertNormalizer(normalizer.config);
  if (
    normalizer instanceof NFCNormalizer ||
    normalizer instanceof NFDNormalizer ||
    normalizer instanceof NFKCNormalizer ||
    normalizer instanceof NFKDNormalizer
  ) {
    const { form } = normalizer;
    return (text) => unicodeForm(text, form);
  }
  if (normalizer instanceof LowercaseNormalizer) return lowercase;
  if (normalizer instanceof StripAccentsNormalizer) return (text) => without(text, /\p{M}/u);
  if (normalizer instanceof StripNormalizer) {
    const { strip_left: left, strip_right: right } = normalizer.config;
    return (text) => {
      const start = left === true ? text.text.length - withoutSpaces(text.text, 'start').length : 0;
      const end = right === true ? withoutSpaces(text.text, 'end').length : text.text.length;
      return text.slice(Math.min(start, end), end);
    };
  }
  if (normalizer instanceof PrependNormalizer) {
    const { prepend } = normalizer.config;
    return (text) => text.prepend(prepend);
  }
  if (normalizer instanceof ReplaceNormalizer) {
    const { pattern, config } = normalizer;
    const exact = pattern === null ? undefined : exactPattern(pattern);
    return (text) => (exact === undefined ? text : text.replaceAll(exact, config.content ?? ''));
  }
  if (normalizer instanceof PrecompiledNormalizer) {
    const map: unknown = normalizer.charsmap;
    const isThere = typeof map === 'string' && map !== '' && precompiled !== undefined;
    return isThere ? precompiled(map) : (text) => text;
  }
  throw new TypeError(`its normalizer ${normalizer.config.type} is not supported`);
}

/** Lower case, character by character: a sigma stays σ wherever it stands. */
function lowercase(text: AlignedText): AlignedText {
  return text.mapCharacters((character) => character.toLowerCase());
}

function without(text: AlignedText, pattern: RegExp): AlignedText {
  return text.mapCharacters((character) => (pattern.test(character) ? '' : character));
}

/** BERT's cleaning: control characters out, CJK characters apart, accents and case removed. */
function bertNormalizer(config: BertNormalizer['config']): Normalize {
  const accents = config.strip_accents ?? config.lowercase === true;
  return (given) => {
    let text = given;
    if (config.clean_text === true) {
      text = text.mapCharacters((character) => {
        if (/[\t\n\r]/.test(character)) return ' ';
        if (/[\0\ufffd\p{Cc}\p{Cf}\p{Co}\p{Cs}]/u.test(character)) return '';
        return /\p{White_Space}/u.test(character) ? ' ' : character;
      });
    }
    if (config.handle_chinese_chars === true) {
      text = text.mapCharacters((character) => (isCjk(character) ? ` ${character} ` : character));
    }
    if (accents) text = without(unicodeForm(text, 'NFD'), /\p{Mn}/u);
    return config.lowercase === true ? lowercase(text) : text;
  };
}

/** The blocks of CJK ideographs that BERT sets apart. */
function isCjk(character: string): boolean {
  return /[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u{20000}-\u{2a6df}\u{2a700}-\u{2b81f}\u{2b920}-\u{2ceaf}\u{2f800}-\u{2fa1f}]/u.test(
    character,
  );
}

/**
 * A Unicode normalization form. Characters that act on each other (a letter and its marks, the parts
 * of a Hangul syllable) are taken together; what they compose to belongs to the first of them.
 */
function unicodeForm(text: AlignedText, form: 'NFC' | 'NFD' | 'NFKC' | 'NFKD'): AlignedText {
  if (text.text.normalize(form) === text.text) return text;
  return text.rewrite((put) => {
    let at = 0;
    for (const characters of clusters(text.text, form)) {
      const parts: { character: string; span: Span }[] = [];
      for (const given of characters) {
        const span: Span = [at, (at += given.length)];
        for (const character of given.normalize(form)) parts.push({ character, span });
      }
      const whole = Array.from(characters.join('').normalize(form));
      const same = whole.every((character, i) => character === parts[i]?.character);
      whole.forEach((character, i) => {
        // Composed or reordered: the first takes the first place, the rest the last places.
        const from = same || i === 0 ? i : Math.max(0, parts.length - whole.length + i);
        put(character, parts[from]?.span ?? [at - 1, at]);
      });
    }
  });
}

/** Runs of characters that a normalization form does not treat one by one. */
function clusters(text: string, form: string): string[][] {
  const runs: string[][] = [];
  for (const character of text) {
    const run = runs.at(-1);
    const before = run?.join('') ?? '';
    const apart =
      run === undefined ||
      (character < '\u0080' && /[^<=>]/.test(character)) ||
      (!/\p{M}/u.test(character) &&
        (before + character).normalize(form) ===
          before.normalize(form) + character.normalize(form));
    if (apart) runs.push([character]);
    else run.push(character);
  }
  return runs;
}
