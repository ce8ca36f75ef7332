// What the attention of Gemma 3n and of Gemma 4 has in common: norms of queries, keys and values alike, and last layers
// that take the keys and values of earlier ones.

import type { Config } from '../../config.ts';
import type { SelfAttentionWeights } from '../../layers/attention.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import type { LlamaSizes } from './llama-parts.ts';

/** The last layers of a stack, which take the keys of the last one of their kind before them all. */
export class SharedKeys {
  readonly #config: Config;
  readonly #types: readonly unknown[];
  /** The first layer without keys of its own. */
  readonly #first: number;

  /** `types`: what each layer attends to; `usual`: how many take keys where config.json says nothing. */
  constructor(config: Config, types: readonly unknown[], usual: number) {
    this.#config = config;
    this.#types = types;
    const count = types.length;
    this.#first = count - config.integer('num_kv_shared_layers', usual, 0, count - 1);
  }

  /** Whether a layer takes the keys and values of another one. */
  takes(layer: number): boolean {
    return layer >= this.#first;
  }

  /** The layer that it takes them of; undefined where it has its own. */
  of(layer: number): number | undefined {
    if (!this.takes(layer)) return undefined;
    const found = this.#types.lastIndexOf(this.#types[layer], this.#first - 1);
    if (found >= 0) return found;
    return this.#config.invalid(
      'num_kv_shared_layers',
      'fewer, as layers of a kind are left without keys',
    );
  }
}

interface NormedHeads {
  /** Whether the layer takes its keys and values of another one. */
  readonly takes: boolean;
  /** Whether its keys are its values, too. */
  readonly keysAreValues?: boolean;
  /** Whether its projections have biases. */
  readonly bias: boolean;
}

/** Heads whose queries, keys and values have norms, and whose scores have no factor. */
export function normedHeads(
  loader: WeightLoader,
  prefix: string,
  { size, heads, keyValueHeads, headSize, eps }: Omit<LlamaSizes, 'width'>,
  { takes, keysAreValues = false, bias }: NormedHeads,
): SelfAttentionWeights {
  const own = takes ? [] : keysAreValues ? ['k_proj'] : ['k_proj', 'v_proj'];
  return {
    heads,
    keyValueHeads,
    headSize,
    scale: 1,
    queryKeyValue: loader.linear(
      ['q_proj', ...own].map((name) => `${prefix}.${name}`),
      [heads, ...own.map(() => keyValueHeads)].map((count) => count * headSize),
      size,
      { bias },
    ),
    keysAreValues,
    output: loader.linear(`${prefix}.o_proj`, size, heads * headSize, { bias }),
    headNorm: {
      weight: loader.vector(
        [`${prefix}.q_norm.weight`, takes ? undefined : `${prefix}.k_norm.weight`],
        headSize,
      ),
      eps,
      offset: 0,
      values: true,
    },
  };
}
