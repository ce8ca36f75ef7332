// The formats that `loadModel` can be asked for, and which tensor gets which.

import type { Dtype } from '../../runtime/dtype.ts';
import { fieldsOf, TransformerError } from '../../runtime/errors.ts';
import { isObject, show } from '../../source/json.ts';
import { fitting } from './name-pattern.ts';

/** A format of weight matrices on the GPU. */
export type WeightFormatName = 'f32' | 'f16' | 'int8' | 'int4';

/**
 * One for all matrices, or by the names of tensors, in which `*` stands for any part: the first pattern that
 * fits decides, and what none fits is held as the checkpoint stores it.
 */
export type WeightFormats = WeightFormatName | Readonly<Record<string, WeightFormatName>>;

const formats: Readonly<Record<WeightFormatName, Dtype>> = {
  f32: 'f32',
  f16: 'f16',
  int8: 'int8-64-f16',
  int4: 'int4-32-f16',
};

/** From the finest to the coarsest. */
export const weightFormatNames: readonly WeightFormatName[] = ['f32', 'f16', 'int8', 'int4'];

/** Shorter rows get no blocks: tables of biases, say. */
const shortest = 16;

interface Rule {
  readonly pattern: string;
  readonly fits: (name: string) => boolean;
  readonly format: WeightFormatName;
}

export class AskedFormats {
  readonly #rules: readonly Rule[];
  readonly #used = new Set<Rule>();

  /** @throws TransformerError OPTION_INVALID */
  constructor(option: unknown) {
    this.#rules = rulesOf(option);
  }

  /** The format asked for a matrix, stacked of tensors of these names; undefined where it stays as it is. */
  formatOf(names: readonly string[], columns: number): Dtype | undefined {
    const found = names.map((name) => {
      const rule = this.#rules.find(({ fits }) => fits(name));
      if (rule) this.#used.add(rule);
      return rule?.format;
    });
    // What holds the finest of them holds all.
    const finest = weightFormatNames.find((name) => found.includes(name));
    if (finest === undefined || found.includes(undefined)) return undefined;
    const isBlock = finest === 'int4' || finest === 'int8';
    return isBlock && columns < shortest ? undefined : formats[finest];
  }

  /** @throws TransformerError OPTION_INVALID for a pattern that no matrix was declared for */
  assertUsed(): void {
    const unused = this.#rules.find((rule) => rule.pattern !== '*' && !this.#used.has(rule));
    if (unused === undefined) return;
    throw new TransformerError(
      'OPTION_INVALID',
      `dtype: no matrix has a name like ${show(unused.pattern)}, or earlier patterns take all of them. ` +
        'Pass names of tensors as the checkpoint has them; `webgpu-transformer info` lists them.',
    );
  }
}

/** Whether a tensor belongs to a numbered layer. */
function isInLayer(name: string): boolean {
  return /\.\d+\./.test(name);
}

/**
 * Under `int4` alone only what stands in numbered layers has 4 bits: embeddings, the output layer and heads
 * have 8, as errors cost more there.
 */
function rulesOf(option: unknown): readonly Rule[] {
  if (option === undefined) return [];
  const all = { pattern: '*', fits: () => true };
  if (option === 'int4') {
    return [
      { pattern: '*', fits: isInLayer, format: 'int4' },
      { ...all, format: 'int8' },
    ];
  }
  if (isFormat(option)) return [{ ...all, format: option }];
  if (!isObject(option)) throw wrong(option);
  return fieldsOf(option, 'The object of dtype').map(([pattern, format]) => {
    if (!isFormat(format)) throw wrong(format);
    return { pattern, fits: fitting(pattern), format };
  });
}

function isFormat(value: unknown): value is WeightFormatName {
  return weightFormatNames.some((name) => name === value);
}

function wrong(got: unknown): TransformerError {
  const names = weightFormatNames.map((name) => `'${name}'`).join(', ');
  return new TransformerError(
    'OPTION_INVALID',
    `dtype is ${show(got)}; wanted ${names}, or an object that gives one of these for names of tensors, ` +
      "such as { 'lm_head.*': 'f16', '*': 'int8' }.",
  );
}
