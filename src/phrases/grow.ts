// A translator's checkpoint whose vocabulary has every character that a field writes, to train it on that field.

import { numbersIn } from '../model/weights/weight-formats.ts';
import { isObject, type JsonObject } from '../source/json.ts';
import { openSafetensors, readTensors } from '../source/safetensors.ts';
import { safetensors, type StoredValues } from '../source/safetensors-writer.ts';
import { jsonBytes, withFiles } from '../source/overlay.ts';
import { readJson, type Source } from '../source/source.ts';
import type { Field } from './fields.ts';
import { outsideSettings, outsideToken } from './outside.ts';
import { pairAt } from './phrases.ts';
import { addedToken } from '../training/data/tokenizer-file.ts';

/** Tables with a row a token, and biases with an element a token, in the layout of Marian. */
const perToken = [
  'model.shared.weight',
  'model.encoder.embed_tokens.weight',
  'model.decoder.embed_tokens.weight',
  'lm_head.weight',
  'final_logits_bias',
];

/** The tokenizer of a checkpoint. */
interface Encoder {
  readonly unkToken: number | undefined;
  encode(text: string): number[];
}

/** Training pairs that the characters are looked for in. */
const searched = 20_000;

/**
 * The checkpoint with tokens for the characters of a field that it lacks, and for what is outside of the field. They
 * begin with the weights of the unknown token, so that the model answers as before until it is trained. A checkpoint
 * whose tokenizer takes no characters more, as it is no BPE with an unknown token, stays as it is.
 */
export async function grown(source: Source, encoder: Encoder, field: Field): Promise<Source> {
  const tokenizer = await readJson(source, 'tokenizer.json');
  const config = await readJson(source, 'config.json');
  const vocabulary = isObject(tokenizer) ? vocabularyOf(tokenizer) : undefined;
  if (!isObject(tokenizer) || !isObject(config) || vocabulary === undefined) return source;
  const { tokens, unknown } = vocabulary;
  const size = Object.keys(tokens).length;
  const added = missingTokens(field, encoder, tokens);
  // Another model's certainty says nothing of the one to be trained.
  const { score_calibration: _, ...settings } = config;
  if (added.length === 0) return withFiles(source, new Map([['config.json', jsonBytes(settings)]]));
  const count = size + added.length;
  const vocab = { ...tokens, ...Object.fromEntries(added.map((token, i) => [token, size + i])) };
  const sizes = { vocab_size: count, decoder_vocab_size: count };
  const files = new Map<string, Uint8Array<ArrayBuffer>>([
    ['tokenizer.json', jsonBytes(withTokens(tokenizer, vocab, added))],
    [
      'config.json',
      jsonBytes({ ...settings, ...sizes, ...outsideSettings(vocab[outsideToken] ?? -1) }),
    ],
    ['model.safetensors', safetensors(await grownTensors(source, { size, unknown, added }))],
  ]);
  return withFiles(source, files);
}

function vocabularyOf({
  model,
}: JsonObject): { tokens: Readonly<Record<string, number>>; unknown: number } | undefined {
  if (!isObject(model) || model['type'] !== 'BPE' || !isObject(model['vocab'])) return undefined;
  const tokens = model['vocab'] as Readonly<Record<string, number>>;
  const unknown = tokens[String(model['unk_token'])];
  return unknown === undefined ? undefined : { tokens, unknown };
}

/** Characters that the field writes, in the order of their code points, and the token of what it does not. */
function missingTokens(
  field: Field,
  encoder: Encoder,
  tokens: Readonly<Record<string, number>>,
): string[] {
  const characters = new Set<string>();
  for (let index = 0; index < searched; index++) {
    const { source, target } = pairAt(0, index, field);
    if (target === outsideToken) continue;
    for (const text of [source.replace(/^>>..<</, ''), target]) {
      for (const character of text) characters.add(character);
    }
  }
  const isUnknown = (character: string): boolean =>
    encoder.encode(character).some((id) => id === encoder.unkToken);
  const unknown = [...characters].filter(isUnknown).toSorted();
  const needsOutside = field.turns.includes('outside') && tokens[outsideToken] === undefined;
  return needsOutside ? [outsideToken, ...unknown] : unknown;
}

function withTokens(
  tokenizer: JsonObject,
  vocab: Readonly<Record<string, number>>,
  added: readonly string[],
): JsonObject {
  const special: readonly unknown[] = Array.isArray(tokenizer['added_tokens'])
    ? tokenizer['added_tokens']
    : [];
  const outside = vocab[outsideToken];
  const more =
    outside !== undefined && added.includes(outsideToken)
      ? [addedToken(outsideToken, outside)]
      : [];
  const model = isObject(tokenizer['model']) ? tokenizer['model'] : {};
  return { ...tokenizer, added_tokens: [...special, ...more], model: { ...model, vocab } };
}

/** The weights in f32, those that go by tokens with as many more as are added. */
async function grownTensors(
  source: Source,
  { size, unknown, added }: { size: number; unknown: number; added: readonly string[] },
): Promise<Map<string, StoredValues>> {
  const tensors = new Map<string, StoredValues>();
  const entries = await openSafetensors(source);
  // As one piece each: a translator of phrases is small.
  const chunkBytes = 2 ** 30;
  for await (const { entry, bytes } of readTensors(source, entries.values(), { chunkBytes })) {
    const values = numbersIn(entry, bytes);
    if (!perToken.includes(entry.name)) {
      tensors.set(entry.name, { shape: entry.shape, data: values });
      continue;
    }
    const row = values.length / size;
    const data = new Float32Array(values.length + row * added.length);
    data.set(values);
    const first = values.subarray(unknown * row, (unknown + 1) * row);
    for (let index = 0; index < added.length; index++) data.set(first, values.length + index * row);
    const count = size + added.length;
    const shape = row === 1 ? [1, count] : [count, row];
    tensors.set(entry.name, { shape, data });
  }
  return tensors;
}
