// How byte-level vocabularies cut texts into words, by the names that GGUF files have for it
// (`llama_vocab_pre_type` of llama.cpp).

import type { JsonObject } from '../json.ts';
import type { Metadata } from './metadata.ts';

export interface Split {
  /** The steps of the pre-tokenizer. */
  readonly steps: readonly JsonObject[];
  /** The class that cuts and normalizes by itself. */
  readonly className?: string;
  /** Whether a token begins each text unless the file says otherwise. */
  readonly isBegun?: boolean;
  /** Whether words that are tokens are not cut, whatever the merges. */
  readonly ignoresMerges?: boolean;
}

const suffixes = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const rest = ['\\s*[\\r\\n]+', '\\s+(?!\\S)', '\\s+'];
const [upper, lower] = ['[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]', '[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]'];
const before = '[^\\r\\n\\p{L}\\p{N}]?';

const llama3 = [
  suffixes,
  `${before}\\p{L}+`,
  '\\p{N}{1,3}',
  ' ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*',
  ...rest,
];
const tekken = [
  `${before}${upper}*${lower}+`,
  `${before}${upper}+${lower}*`,
  '\\p{N}',
  ' ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*',
  ...rest,
];
const gpt4o = [
  `${before}${upper}*${lower}+${suffixes}?`,
  `${before}${upper}+${lower}*${suffixes}?`,
  '\\p{N}{1,3}',
  ' ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*',
  ...rest,
];

/** `use_regex`: whether words are cut by GPT-2's own pattern. */
function bytes(use_regex: boolean): JsonObject {
  return { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex };
}

function by(pattern: readonly string[]): Split {
  const Regex = pattern.join('|');
  const cut = { type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false };
  return { steps: [cut, bytes(false)] };
}

const plain: Split = { steps: [bytes(true)] };
const singleDigits: Split = { steps: [{ type: 'Digits', individual_digits: true }, bytes(true)] };
const ofLlama3: Split = { ...by(llama3), isBegun: true, ignoresMerges: true };
const ofQwen2: Split = { ...plain, className: 'Qwen2Tokenizer' };

const splits: Readonly<Record<string, readonly [split: Split, names: string]>> = {
  plain: [plain, 'gpt-2 gpt2 jais mpt olmo phi-2'],
  digits: [singleDigits, 'smollm starcoder refact command-r codeshell exaone minerva-7b'],
  llama3: [ofLlama3, 'llama-bpe llama3 llama-v3 falcon3 pixtral midm-2.0'],
  plainLlama3: [by(llama3), 'dbrx smaug-bpe'],
  tekken: [{ ...by(tekken), ignoresMerges: true }, 'tekken'],
  gpt4o: [by(gpt4o), 'gpt-4o llama4 kanana2'],
  qwen2: [ofQwen2, 'qwen2 deepseek-r1-qwen kormo f2llmv2 megrez'],
};

/** How a file's vocabulary cuts. @throws TransformerError MODEL_UNSUPPORTED */
export function splitOf(metadata: Metadata): Split {
  const key = 'tokenizer.ggml.pre';
  const name = metadata.text(key) ?? 'gpt-2';
  for (const [split, names] of Object.values(splits)) {
    if (names.split(' ').includes(name)) return split;
  }
  const known = Object.values(splits).flatMap(([, names]) => names.split(' '));
  throw metadata.unsupported(key, `one of ${known.join(', ')}`);
}
