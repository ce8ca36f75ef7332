// Reads config.json: typed fields with clear errors, and refusal of settings that would change the
// result without this library knowing how.

import { TransformerError } from '../runtime/errors.ts';
import { show } from '../runtime/print.ts';
import type { Activation } from '../shaders/matmul/matmul.ts';
import { isObject, type JsonObject } from '../source/json.ts';
import { Warnings } from './warnings.ts';

/** The activation names of Hugging Face and PyTorch. */
export const activationNames: ReadonlyMap<string, Activation> = new Map([
  ['relu', 'relu'],
  ['gelu', 'gelu'],
  ['gelu_new', 'geluTanh'],
  ['gelu_fast', 'geluTanh'],
  ['gelu_pytorch_tanh', 'geluTanh'],
  ['silu', 'silu'],
  ['swish', 'silu'],
  ['tanh', 'tanh'],
  ['quick_gelu', 'quickGelu'],
  ['sigmoid', 'sigmoid'],
]);

/**
 * Fields that change what a model computes, some of them written for other models or by other libraries.
 * Where no one reads them, they must be absent, false, 0 or empty, or have the value that stands here as JSON.
 */
const decisive = (
  'quantization_config lora_adaptations auto_map pruned_heads tie_encoder_decoder add_cross_attention ' +
  'is_causal=true use_bidirectional_attention feed_forward_type="original" alibi use_alibi clip_qkv qk_norm ' +
  'use_qk_norm qk_layernorm rotary_dim rotary_pct=1 no_rope_layers parallel_attn ' +
  'use_parallel_residual multi_query kv_lora_rank attention_chunk_size attn_temperature_tuning ' +
  'attn_logit_softcapping final_logit_softcapping attention_multiplier residual_multiplier=1 ' +
  'embedding_multiplier=1 logits_scaling=1 logit_scale=1 scale_emb=1 scale_depth=1 ' +
  'scale_attn_by_inverse_layer_idx scale_attn_weights=true num_local_experts num_experts ' +
  'n_routed_experts'
).split(' ');

/** What a config.json is read with. */
export interface ConfigContext {
  readonly warnings?: Warnings;
  readonly classPrefixes?: readonly string[];
}

/** Beyond it no list and no buffer has a length. */
const LARGEST = 2 ** 31 - 1;

const MOST_LAYERS = 10_000;

export class Config {
  /** The file's name, for messages. */
  readonly file: string;
  /** All of it, unchecked. */
  readonly fields: JsonObject;
  readonly #read = new Set<string>();
  readonly #warnings: Warnings;

  /** What the names of known classes begin with, see `headName`. */
  readonly classPrefixes: readonly string[];

  constructor(
    fields: JsonObject,
    file: string,
    { warnings = new Warnings(), classPrefixes = [] }: ConfigContext = {},
  ) {
    this.fields = fields;
    this.file = file;
    this.#warnings = warnings;
    this.classPrefixes = classPrefixes;
  }

  /** The field as it stands, unchecked. */
  get(name: string): unknown {
    this.#read.add(name);
    return this.fields[name] ?? undefined;
  }

  /** An object in the file, with fields of its own. `whose`: what messages say behind its name. */
  section(name: string, whose: string = '', fallback?: JsonObject): Config {
    const value = this.get(name) ?? fallback;
    if (isObject(value))
      return new Config(value, `${this.file}, "${name}"${whose}`, {
        warnings: this.#warnings,
        classPrefixes: this.classPrefixes,
      });
    throw this.#wrong(name, 'an object');
  }

  /** The same with other fields in place of some, of a part that is taken as something else. */
  with(fields: JsonObject): Config {
    const context = { warnings: this.#warnings, classPrefixes: this.classPrefixes };
    return new Config({ ...this.fields, ...fields }, this.file, context);
  }

  /** A whole number from `least` to `most`; `fallback` where the field is absent or null. */
  integer(name: string, fallback?: number, least = 1, most: number = LARGEST): number {
    const value = this.get(name) ?? fallback;
    const isWhole = typeof value === 'number' && Number.isSafeInteger(value);
    if (isWhole && value >= least && value <= most) return value;
    const from = `a whole number of at least ${least}`;
    throw this.#wrong(name, most === LARGEST ? from : `${from} and at most ${most}`);
  }

  /** How many layers there are: all of them are declared before it is known that one is missing. */
  layers(name: string, fallback?: number): number {
    return this.integer(name, fallback, 1, MOST_LAYERS);
  }

  /** Numbers, or one alone. */
  numbers(name: string, fallback: readonly number[]): readonly number[] {
    const list: unknown[] = [this.get(name) ?? fallback].flat();
    const areNumbers = list.every((value) => typeof value === 'number' && Number.isFinite(value));
    if (areNumbers && list.length > 0) return list as number[];
    throw this.#wrong(name, 'a number or a list of numbers');
  }

  number(name: string, fallback?: number): number {
    const value = this.get(name) ?? fallback;
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    throw this.#wrong(name, 'a number');
  }

  /** A number of at least `least`. */
  least(name: string, least: number, fallback?: number): number {
    const value = this.number(name, fallback);
    if (value >= least) return value;
    throw this.#wrong(name, `a number of at least ${least}`);
  }

  /** What something is divided or scaled by: a number above 0. */
  positive(name: string, fallback?: number): number {
    const value = this.number(name, fallback);
    if (value > 0) return value;
    throw this.#wrong(name, 'a number above 0');
  }

  /** A rate of dropout: from 0 to below 1. */
  rate(name: string, fallback: number): number {
    const value = this.number(name, fallback);
    if (value >= 0 && value < 1) return value;
    throw this.#wrong(name, 'a rate from 0 to below 1');
  }

  string(name: string, fallback?: string): string {
    const value = this.get(name) ?? fallback;
    if (typeof value === 'string') return value;
    throw this.#wrong(name, 'a text');
  }

  /** Texts, or one alone; none where the field is absent or null. */
  texts(name: string): readonly string[] {
    const list: unknown[] = [this.get(name) ?? []].flat();
    if (list.every((text) => typeof text === 'string')) return list;
    throw this.#wrong(name, 'a list of texts');
  }

  boolean(name: string, fallback: boolean): boolean {
    const value = this.get(name) ?? fallback;
    if (typeof value === 'boolean') return value;
    throw this.#wrong(name, 'true or false');
  }

  activation(name: string, fallback?: string): Activation {
    const value = this.get(name) ?? fallback;
    const found = typeof value === 'string' ? activationNames.get(value) : undefined;
    if (found !== undefined) return found;
    const known = [...activationNames.keys()].join(', ');
    throw this.#wrong(name, `one of ${known}`, 'MODEL_UNSUPPORTED');
  }

  /** Refuses settings that would change the result and that were not read. */
  refuseUnread(): void {
    for (const field of decisive) {
      const [name = '', neutral] = field.split('=');
      const value = this.fields[name] ?? undefined;
      if (value === undefined || this.#read.has(name) || show(value) === neutral) continue;
      const isEmpty = typeof value === 'object' && Object.keys(value).length === 0;
      if (neutral === undefined && (isEmpty || value === false || value === 0)) continue;
      this.refuse(name, `${neutral ?? 'none'}, as nothing else is supported yet`);
    }
  }

  /** Refuses every field that was not read, but for those that are false or change no result. */
  refuseOthers(harmless: readonly string[]): void {
    for (const [name, value] of Object.entries(this.fields)) {
      const isIdle = value === null || value === false;
      if (isIdle || this.#read.has(name) || harmless.includes(name)) continue;
      this.refuse(name, 'none, as it is not known here what it does');
    }
  }

  /** Refuses the value that a field has. */
  refuse(name: string, wanted: string = 'something else, as this is not supported yet'): never {
    throw this.#wrong(name, wanted, 'MODEL_UNSUPPORTED');
  }

  /** Refuses a value that makes no sense. */
  invalid(name: string, wanted: string): never {
    throw this.#wrong(name, wanted);
  }

  /** Notes what is overlooked in the file, for `model.warnings`: a sentence that follows its name. */
  warn(text: string): void {
    this.#warnings.add(`${this.file}: ${text}`);
  }

  /** Refuses a setting other than `value`, the only one that is supported. */
  only(name: string, value: boolean): void {
    if ((this.get(name) ?? value) === value) return;
    this.refuse(name, `${value}, as nothing else is supported yet`);
  }

  /** `size` divided by the number of heads, which must go evenly. */
  heads(name: string, size: number, fallback?: number): number {
    const heads = this.integer(name, fallback);
    if (size % heads === 0) return heads;
    throw this.#wrong(name, `a divisor of ${size}, the model's width`);
  }

  #wrong(
    name: string,
    wanted: string,
    code: 'CONFIG_INVALID' | 'MODEL_UNSUPPORTED' = 'CONFIG_INVALID',
  ): TransformerError {
    const value = this.get(name);
    const got = value === undefined ? 'nothing' : show(value);
    return new TransformerError(code, `${this.file}: "${name}" is ${got}; wanted ${wanted}.`);
  }
}
