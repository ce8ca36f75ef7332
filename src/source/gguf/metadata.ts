// What a GGUF file says of its model, by keys such as `llama.block_count`.

import { TransformerError } from '../../runtime/errors.ts';
import { show } from '../../runtime/print.ts';

export class Metadata {
  /** The file, for messages. */
  readonly label: string;
  readonly #values: ReadonlyMap<string, unknown>;

  constructor(values: object, label: string) {
    this.#values = new Map<string, unknown>(Object.entries(values));
    this.label = label;
  }

  /** The value as it stands; undefined where there is none. Whole numbers of 64 bits are plain numbers here. */
  get(key: string): unknown {
    const value = this.#values.get(key);
    return typeof value === 'bigint' ? Number(value) : value;
  }

  number(key: string): number | undefined;
  number(key: string, fallback: number): number;
  number(key: string, fallback?: number): number | undefined {
    const value = this.get(key) ?? fallback;
    if (value === undefined || (typeof value === 'number' && Number.isFinite(value))) return value;
    throw this.#wrong(key, 'a number');
  }

  text(key: string): string | undefined {
    const value = this.get(key);
    if (value === undefined || typeof value === 'string') return value;
    throw this.#wrong(key, 'a text');
  }

  flag(key: string): boolean | undefined {
    const value = this.get(key);
    if (value === undefined || typeof value === 'boolean') return value;
    throw this.#wrong(key, 'true or false');
  }

  texts(key: string): readonly string[] | undefined {
    const list = this.get(key);
    if (list === undefined) return undefined;
    if (Array.isArray(list) && list.every((item) => typeof item === 'string')) return list;
    throw this.#wrong(key, 'a list of texts');
  }

  numbers(key: string): readonly number[] | undefined {
    const list = this.get(key);
    if (list === undefined) return undefined;
    if (Array.isArray(list) && list.every((item) => typeof item === 'number')) return list;
    throw this.#wrong(key, 'a list of numbers');
  }

  /** The value of a key that must be there. */
  need<Value>(key: string, value: Value | undefined): Value {
    if (value !== undefined) return value;
    throw this.#wrong(key, 'a value');
  }

  /** The error of a value that this library does not know. */
  unsupported(key: string, wanted: string): TransformerError {
    return new TransformerError(
      'MODEL_UNSUPPORTED',
      `${this.label}: "${key}" is ${show(this.get(key))}; wanted ${wanted}.`,
    );
  }

  /** The error of a file that does not hold together. `what`: begins the sentence. */
  invalid(what: string): TransformerError {
    return new TransformerError(
      'FILE_INVALID',
      `${what} (${this.label}). Download the file again, or convert the model again.`,
    );
  }

  #wrong(key: string, wanted: string): TransformerError {
    const value = this.get(key);
    const given = value === undefined ? 'absent' : show(value);
    return this.invalid(`"${key}" is ${given}; wanted ${wanted}`);
  }
}
