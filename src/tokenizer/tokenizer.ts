// Text to token ids and back. Models and decoders of tokenizer.json are those of @huggingface/tokenizers; what leads from
// a text to words is done here, because it must be known where each token stands in the text.

import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { isObject, type JsonObject } from '../source/json.ts';
import { describeFile, type Source } from '../source/source.ts';
import { refuseUnknown, requireObject, TransformerError } from '../runtime/errors.ts';
import type { ChatMessage, ChatOptions, ChatTemplates } from './chat-template.ts';
import { checkBoolean, checkTexts, checkWindows, idList } from './checks.ts';
import {
  cleanedUpText,
  compileDecoder,
  type Decoder,
  fallbackByte,
  withoutOpenSpace,
} from './decode.ts';
import { compileEncoder, type Encoder, type Piece } from './encode.ts';
import { readTokenizerFiles, type TokenizerFiles } from './files.ts';
import { checkVocabulary, namedTokens, specialTokens, type SpecialTokens } from './specials.ts';
import {
  addedCount,
  compileTemplate,
  type CutOptions,
  type Encoding,
  fill,
  type Template,
  type WindowOptions,
  windows,
} from './template.ts';

/** How a text becomes token ids. */
export interface EncodeOptions {
  /** Whether the special tokens of the model's template are added. Default true. */
  addSpecialTokens?: boolean;
  /** Longer texts are cut to so many tokens, special tokens included; of a pair the longer one. */
  maxLength?: number;
}

/** Text to token ids and back, as tokenizer.json says. */
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
  /** The inputs that models of this tokenizer take, by Hugging Face's names. */
  readonly modelInputNames: readonly string[];
  /** Whether decoding takes out spaces before punctuation and contractions. */
  readonly cleansUp: boolean;

  readonly #tokenizer: HuggingFaceTokenizer;
  readonly #decoder: Decoder;
  readonly #special: ReadonlySet<string>;
  readonly #encoder: Encoder;
  readonly #template: Template;
  readonly #config: JsonObject;
  readonly #files: Source;
  #chatTemplates: ChatTemplates | undefined;
  readonly #added: ReadonlyMap<number, string>;
  readonly #truncationSide: 'left' | 'right';

  private constructor(files: Source, { tokenizer, config, tools = {} }: TokenizerFiles) {
    this.#files = files;
    // The library has the models; what stands before and after them is done here.
    const others = { normalizer: null, pre_tokenizer: null, post_processor: null, decoder: null };
    const { model } = tokenizer;
    checkVocabulary(tokenizer);
    this.#tokenizer = new HuggingFaceTokenizer(
      { ...tokenizer, ...others, ...(isObject(model) && { model: { ...model, merges: [] } }) },
      { ...config, additional_special_tokens: [] },
    );
    this.#decoder = compileDecoder(tokenizer['decoder'], tools.regex);
    this.#encoder = compileEncoder(
      this.#tokenizer,
      tokenizer,
      config['split_special_tokens'] === true,
      tools,
    );
    this.#template = compileTemplate(tokenizer['post_processor']);
    this.#config = config;
    const added = [...this.#tokenizer.get_added_tokens_decoder().values()];
    // Added tokens that are normalized before they are found read as they are found.
    this.#added = new Map(
      added.map(({ id, content, normalized }) => [
        id,
        normalized ? this.#encoder.normalize(content) : content,
      ]),
    );
    this.#special = new Set(added.flatMap(({ special, content }) => (special ? [content] : [])));
    // Hugging Face's rule: what BPE tokens spell is exact, so nothing is cleaned up unless forced.
    const isBpe = this.#tokenizer.model?.config.type === 'BPE';
    const forced =
      config['clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output'];
    this.cleansUp = config['clean_up_tokenization_spaces'] === true && (!isBpe || forced === true);
    const specials = specialTokens(config, tokenizer, (token) =>
      this.#tokenizer.token_to_id(token),
    );
    this.padToken = specials.padToken;
    this.clsToken = specials.clsToken;
    this.sepToken = specials.sepToken;
    this.maskToken = specials.maskToken;
    this.unkToken = specials.unkToken;
    this.bosToken = specials.bosToken;
    this.eosToken = specials.eosToken;
    this.paddingSide = sideOf(config['padding_side'], tokenizer['padding']);
    this.#truncationSide = sideOf(config['truncation_side'], tokenizer['truncation']);
    const names = config['model_input_names'];
    this.modelInputNames = Array.isArray(names)
      ? names.map(String)
      : ['input_ids', 'token_type_ids', 'attention_mask'];
    const length = Number(config['model_max_length'] ?? config['max_len']);
    // Files say 1e30 when there is no limit.
    this.maxLength = length >= 1 && length < 1e9 ? Math.floor(length) : undefined;
  }

  /**
   * Reads tokenizer.json, or the vocabulary files of BERT, GPT-2, RoBERTa and CLIP, with
   * tokenizer_config.json and chat_template.jinja where they are there.
   */
  static async load(files: Source, signal: AbortSignal | undefined): Promise<Tokenizer> {
    requireObject(files, 'The source of the tokenizer');
    let read: TokenizerFiles | undefined;
    try {
      read = await readTokenizerFiles(files, signal);
      return new Tokenizer(files, read);
    } catch (cause) {
      // Of files that were not read yet, only rules within rules without end are told as such.
      if (cause instanceof TransformerError) throw cause;
      if (read === undefined && !(cause instanceof RangeError)) throw cause;
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new TransformerError(
        'FILE_INVALID',
        `${describeFile(files, read?.file ?? 'tokenizer.json')} does not describe a tokenizer: ${reason}. ` +
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
    checkBoolean('addSpecialTokens', addSpecialTokens);
    return this.#windows(text, pair, { maxLength }, addSpecialTokens, 1)[0] as Encoding;
  }

  /**
   * The first of `encodingWindows`: a text or a pair cut to `maxLength` tokens. What lies far behind
   * the cut is not tokenized.
   */
  encodingCut(text: string, pair: string | undefined, options: CutOptions): Encoding {
    refuseUnknown(options, ['maxLength', 'truncate'], 'option of encodingCut');
    return this.#windows(text, pair, options, true, 1)[0] as Encoding;
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
    most = Infinity,
  ): Encoding[] {
    const slots = this.#template[pair ? 'pair' : 'single'];
    const added = special ? addedCount(slots) : 0;
    const { stride = 0, truncate = 'longest' } = options;
    checkWindows(added, maxLength, stride, truncate);
    const texts = checkTexts(text, pair);
    const room = maxLength - added;
    const side = this.#truncationSide;
    const pieces =
      (most === 1 && side === 'right' ? this.#begin(texts, room, truncate) : undefined) ??
      texts.map((one) => this.#spell(one, this.#encoder.encode(one)));
    return windows(pieces, room, options, side, most).map((one) => fill(slots, one, special));
  }

  /** So much of long texts as decides where they are cut; undefined where only the whole does. */
  #begin(
    texts: readonly string[],
    room: number,
    truncate: WindowOptions['truncate'],
  ): (readonly Piece[])[] | undefined {
    let isCut = false;
    const found = texts.map((text, i) => {
      const stays = texts.length > 1 && truncate === (i === 0 ? 'second' : 'first');
      const begun = stays ? undefined : this.#encoder.begin(text, room + 1);
      isCut ||= begun !== undefined;
      return this.#spell(text, begun ?? this.#encoder.encode(text));
    });
    const least = Math.min(...found.map(({ length }) => length));
    // Of two texts that are both too long the longer one keeps less; a text that stays may be too long.
    return !isCut || texts.length === 1 || least < room ? found : undefined;
  }

  #spell(text: string, pieces: readonly Piece[]): readonly Piece[] {
    // An added token may have taken spaces beside it.
    const token = ({ id, span }: Piece): string =>
      this.#added.has(id) ? text.slice(...span) : (this.#tokenizer.id_to_token(id) ?? '');
    return this.#template.trim?.(pieces, token) ?? pieces;
  }

  /** The text of token ids, without ids outside the vocabulary and, by default, special tokens. */
  decode(tokenIds: readonly number[], options: { skipSpecialTokens?: boolean } = {}): string {
    refuseUnknown(options, ['skipSpecialTokens'], 'option of decode');
    const { skipSpecialTokens = true } = options;
    checkBoolean('skipSpecialTokens', skipSpecialTokens);
    const tokens = this.#read(tokenIds, skipSpecialTokens);
    if (tokens.length === 0) return '';
    const text = this.#decoder.decode(tokens).join('');
    return this.cleansUp ? cleanedUpText(text) : text;
  }

  /**
   * The part of `decode(tokenIds)` that no further token can change: without a character whose bytes
   * are not all there, or what clean-up may still join.
   */
  decodeCertain(tokenIds: readonly number[]): string {
    const { certainty } = this.#decoder;
    if (certainty === 'whole') return '';
    const tokens = this.#read(tokenIds, true);
    if (certainty === 'bytes') {
      while (fallbackByte(tokens.at(-1) ?? '') !== undefined) tokens.pop();
    }
    if (tokens.length === 0) return '';
    const text = this.#decoder.decode(tokens).join('');
    // Bytes of a character that is not whole read as one U+FFFD.
    const isOpen = certainty === 'plain' && text.endsWith('\ufffd');
    const certain = isOpen ? text.slice(0, -1) : text;
    return this.cleansUp ? cleanedUpText(withoutOpenSpace(certain)) : certain;
  }

  /** Tokens of ids, without ids outside the vocabulary. */
  #read(tokenIds: readonly number[], skipSpecialTokens: boolean): string[] {
    return idList(tokenIds).flatMap((id) => {
      const token = this.#added.get(id) ?? this.#tokenizer.id_to_token(id);
      return token === undefined || (skipSpecialTokens && this.#special.has(token)) ? [] : [token];
    });
  }

  /** Each token as it stands in the vocabulary, for display. */
  tokens(tokenIds: readonly number[]): string[] {
    return idList(tokenIds).map((id) => this.#tokenizer.id_to_token(id) ?? '');
  }

  /** Tokens of the vocabulary, without those that were added to it. */
  get vocabularySize(): number {
    return this.#tokenizer.model?.tokens_to_ids.size ?? 0;
  }

  /** Every token of the vocabulary. */
  vocabulary(): Iterable<string> {
    return this.#tokenizer.model?.tokens_to_ids.keys() ?? [];
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
    const tokens = namedTokens(this.#config);
    return renderChat(this.#chatTemplates, messages, options, tokens);
  }

  /** Token ids of a conversation. */
  async encodeChat(messages: readonly ChatMessage[], options?: ChatOptions): Promise<number[]> {
    const text = await this.applyChatTemplate(messages, options);
    return this.encode(text, undefined, { addSpecialTokens: false });
  }
}

/** A side by tokenizer_config.json, else by the padding or truncation of tokenizer.json. */
function sideOf(named: unknown, settings: unknown): 'left' | 'right' {
  const side = named ?? (isObject(settings) ? settings['direction'] : undefined);
  return String(side).toLowerCase() === 'left' ? 'left' : 'right';
}
