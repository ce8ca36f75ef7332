// Text to token ids and back, by @huggingface/tokenizers.

import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { isObject } from '../model/json.ts';
import { describeFile, readJson, requireJson, type Source } from '../model/source.ts';
import { TransformerError } from '../runtime/errors.ts';

export class Tokenizer {
  readonly #tokenizer: HuggingFaceTokenizer;

  private constructor(tokenizer: HuggingFaceTokenizer) {
    this.#tokenizer = tokenizer;
  }

  /** Reads tokenizer.json, with tokenizer_config.json where there is one. */
  static async load(files: Source, signal: AbortSignal | undefined): Promise<Tokenizer> {
    const tokenizer = await requireJson(files, 'tokenizer.json', { signal });
    const config = (await readJson(files, 'tokenizer_config.json', { signal })) ?? {};
    try {
      if (!isObject(tokenizer) || !isObject(config)) throw new TypeError('it is not a JSON object');
      return new Tokenizer(new HuggingFaceTokenizer(tokenizer, config));
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new TransformerError(
        'FILE_INVALID',
        `${describeFile(files, 'tokenizer.json')} does not describe a tokenizer: ${reason}. ` +
          'Download the file again, or save the tokenizer with Hugging Face transformers.',
        { cause },
      );
    }
  }

  /** Token ids of a text, special tokens included. */
  encode(text: string): number[] {
    return this.#tokenizer.encode(text).ids;
  }

  /** The text of token ids, without special tokens. */
  decode(tokenIds: readonly number[]): string {
    return this.#tokenizer.decode([...tokenIds], { skip_special_tokens: true });
  }

  /** Each token as it stands in the vocabulary, for display. */
  tokens(tokenIds: readonly number[]): string[] {
    return tokenIds.map((id) => this.#tokenizer.id_to_token(id) ?? '');
  }

  /** Every token of the vocabulary. */
  vocabulary(): Iterable<string> {
    return this.#tokenizer.get_vocab(true).keys();
  }
}

/** Turns token ids that come one by one into pieces of text that never split a character. */
export class TextStream {
  readonly #tokenizer: Tokenizer;
  readonly #tokenIds: number[] = [];
  #text = '';

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
  }

  /** The text that has become certain with this token, maybe none yet. */
  push(tokenId: number): string {
    this.#tokenIds.push(tokenId);
    const text = this.#tokenizer.decode(this.#tokenIds);
    // A character whose bytes are not all there yet decodes to the replacement character.
    return text.endsWith('\ufffd') ? '' : this.#advance(text);
  }

  /** What is left at the end. */
  end(): string {
    return this.#advance(this.#tokenizer.decode(this.#tokenIds));
  }

  #advance(text: string): string {
    const piece = text.slice(this.#text.length);
    this.#text = text;
    return piece;
  }
}
