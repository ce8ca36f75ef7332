// Text to token ids and back. Checkpoints describe their tokenizer in tokenizer.json; models and
// decoders are those of @huggingface/tokenizers, while what leads from a text to words is done here,
// because it must be known where each token stands in the text.

import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import type { JsonObject } from '../source/json.ts';
import { describeFile, type Source } from '../source/source.ts';
import { refuseUnknown, TransformerError } from '../runtime/errors.ts';
import type { ChatMessage, ChatOptions } from './chat-template.ts';
import { compileEncoder, type Piece } from './tokenizer-encode.ts';
import { readTokenizerFiles, type TokenizerFiles } from './tokenizer-files.ts';
import { specialTokens, type SpecialTokens } from './tokenizer-specials.ts';
import {
  addedCount,
  compileTemplate,
  type Encoding,
  fill,
  type Template,
  type WindowOptions,
  windows,
} from './tokenizer-template.ts';

export interface EncodeOptions {
  /** Whether the special tokens of the model's template are added. Default true. */
  addSpecialTokens?: boolean;
  /** Longer texts are cut to so many tokens, special tokens included; of a pair the longer one. */
  maxLength?: number;
}

export class Tokenizer implements SpecialTokens {
  readonly padToken: number | undefined;
  readonly clsToken: number | undefined;
  readonly sepToken: number | undefined;
  readonly maskToken: number | undefined;
  readonly unkToken: number | undefined;
  readonly bosToken: number | undefined;
  readonly eosToken: number | undefined;
  /** Where rows of a batch are padded. */
  readonly paddingSide: 'left' | 'right';
  /** Tokens that the model reads at most, where the files tell. */
  readonly maxLength: number | undefined;
  /** Whether decoding takes out spaces before punctuation and contractions. */
  readonly cleansUp: boolean;

  readonly #tokenizer: HuggingFaceTokenizer;
  readonly #pieces: (text: string) => Piece[];
  readonly #template: Template;
  readonly #config: JsonObject;
  readonly #files: Source;
  #chatTemplates: ReadonlyMap<string, string> | undefined;
  readonly #added: ReadonlySet<number>;

  private constructor(files: Source, { tokenizer, config }: TokenizerFiles) {
    this.#files = files;
    this.#tokenizer = new HuggingFaceTokenizer(tokenizer, config);
    this.#pieces = compileEncoder(this.#tokenizer, tokenizer);
    this.#template = compileTemplate(tokenizer['post_processor']);
    this.#config = config;
    this.#added = new Set(this.#tokenizer.get_added_tokens_decoder().keys());
    // Hugging Face's rule: what BPE tokens spell is exact, so nothing is cleaned up.
    const isBpe = this.#tokenizer.model?.config.type === 'BPE';
    this.cleansUp = config['clean_up_tokenization_spaces'] === true && !isBpe;
    const specials = specialTokens(config, tokenizer, this.#tokenizer);
    this.padToken = specials.padToken;
    this.clsToken = specials.clsToken;
    this.sepToken = specials.sepToken;
    this.maskToken = specials.maskToken;
    this.unkToken = specials.unkToken;
    this.bosToken = specials.bosToken;
    this.eosToken = specials.eosToken;
    this.paddingSide = config['padding_side'] === 'left' ? 'left' : 'right';
    const length = Number(config['model_max_length']);
    // Files say 1e30 when there is no limit.
    this.maxLength = length > 0 && length < 1e9 ? length : undefined;
  }

  /**
   * Reads tokenizer.json, or the vocabulary files of BERT, GPT-2 and RoBERTa, with
   * tokenizer_config.json and chat_template.jinja where they are there.
   */
  static async load(files: Source, signal: AbortSignal | undefined): Promise<Tokenizer> {
    const read = await readTokenizerFiles(files, signal);
    try {
      return new Tokenizer(files, read);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new TransformerError(
        'FILE_INVALID',
        `${describeFile(files, read.file)} does not describe a tokenizer: ${reason}. ` +
          'Download the file again, or save the tokenizer with Hugging Face transformers.',
        { cause },
      );
    }
  }

  /** Token ids of a text or a pair of texts, special tokens included. */
  encode(text: string, pair?: string, options: EncodeOptions = {}): number[] {
    return this.encoding(text, pair, options).ids;
  }

  /** Token ids of a text or a pair of texts, and where each token stands. */
  encoding(text: string, pair?: string, options: EncodeOptions = {}): Encoding {
    refuseUnknown(options, ['addSpecialTokens', 'maxLength'], 'option of encode');
    const { addSpecialTokens = true, maxLength = Infinity } = options;
    return this.#windows(text, pair, { maxLength }, addSpecialTokens)[0] as Encoding;
  }

  /**
   * A text too long for the model, or a pair, as windows of at most `maxLength` tokens which overlap
   * by `stride` tokens (question answering: the question whole, the context cut).
   */
  encodingWindows(text: string, pair: string | undefined, options: WindowOptions): Encoding[] {
    refuseUnknown(options, ['maxLength', 'stride', 'truncate'], 'option of encodingWindows');
    return this.#windows(text, pair, options, true);
  }

  #windows(
    text: string,
    pair: string | undefined,
    { maxLength, ...options }: WindowOptions,
    special: boolean,
  ): Encoding[] {
    const slots = this.#template[pair === undefined ? 'single' : 'pair'];
    const added = special ? addedCount(slots) : 0;
    const { stride = 0, truncate = 'longest' } = options;
    if (!['first', 'second', 'longest'].includes(truncate)) {
      throw new TransformerError(
        'OPTION_INVALID',
        `truncate is "${truncate}"; wanted "first", "second" or "longest".`,
      );
    }
    if (!(maxLength > added) || !(stride >= 0) || !Number.isInteger(stride)) {
      throw new TransformerError(
        'OPTION_INVALID',
        `maxLength is ${maxLength} and stride ${stride}; wanted a length of more than the ${added} ` +
          'special tokens, and a whole number of tokens that windows share.',
      );
    }
    const texts = pair === undefined ? [text] : [text, pair];
    const pieces = texts.map((one) => this.#spell(one));
    const side = this.#config['truncation_side'] === 'left' ? 'left' : 'right';
    return windows(pieces, maxLength - added, options, side).map((one) =>
      fill(slots, one, special),
    );
  }

  #spell(text: string): readonly Piece[] {
    const pieces = this.#pieces(text);
    // An added token may have taken spaces beside it.
    const token = ({ id, span }: Piece): string =>
      this.#added.has(id) ? text.slice(...span) : (this.#tokenizer.id_to_token(id) ?? '');
    return this.#template.trim?.(pieces, token) ?? pieces;
  }

  /** The text of token ids, without ids outside the vocabulary and, by default, special tokens. */
  decode(
    tokenIds: readonly number[],
    { skipSpecialTokens = true }: { skipSpecialTokens?: boolean } = {},
  ): string {
    const known = tokenIds.filter((id) => this.#tokenizer.id_to_token(id) !== undefined);
    if (known.length === 0) return '';
    return this.#tokenizer.decode(known, {
      skip_special_tokens: skipSpecialTokens,
      clean_up_tokenization_spaces: this.cleansUp,
    });
  }

  /** Each token as it stands in the vocabulary, for display. */
  tokens(tokenIds: readonly number[]): string[] {
    return tokenIds.map((id) => this.#tokenizer.id_to_token(id) ?? '');
  }

  /** Every token of the vocabulary. */
  vocabulary(): Iterable<string> {
    return this.#tokenizer.get_vocab(true).keys();
  }

  /**
   * A conversation as the text that the model was trained on, by the checkpoint's chat template.
   * `encodeChat` gives its token ids; `encode` would add special tokens that it already has.
   */
  async applyChatTemplate(
    messages: readonly ChatMessage[],
    options: ChatOptions = {},
  ): Promise<string> {
    const { readChatTemplates, renderChat } = await import('./chat-template.ts');
    this.#chatTemplates ??= await readChatTemplates(this.#files, this.#config);
    const roles = ['bos', 'eos', 'unk', 'sep', 'pad', 'cls', 'mask'] as const;
    const tokens: Record<string, string> = {};
    for (const role of roles) {
      const id = this[`${role}Token`];
      if (id !== undefined) tokens[`${role}_token`] = this.#tokenizer.id_to_token(id) ?? '';
    }
    return renderChat(this.#chatTemplates, messages, options, tokens);
  }

  /** Token ids of a conversation. */
  async encodeChat(messages: readonly ChatMessage[], options?: ChatOptions): Promise<number[]> {
    const text = await this.applyChatTemplate(messages, options);
    return this.encode(text, undefined, { addSpecialTokens: false });
  }
}
