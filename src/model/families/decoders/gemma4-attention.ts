// The attention of Gemma 4: layers with a window and layers without, of unlike heads; the last of both kinds take the keys
// and values of the last before them.

import type { Config } from '../../config.ts';
import { headName } from '../../heads/head-name.ts';
import type { SelfAttentionWeights } from '../../layers/attention.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import type { RotaryTables } from '../rotary-tables.ts';
import { TypedRotary } from '../typed-rotary.ts';
import { layerTypes, type LlamaSizes } from './llama-parts.ts';

const [full, sliding] = ['full_attention', 'sliding_attention'] as const;

/** Where config.json says nothing. */
const usualRotary = {
  [sliding]: { rope_type: 'default', rope_theta: 1e4 },
  [full]: { rope_type: 'proportional', partial_rotary_factor: 0.25, rope_theta: 1e6 },
};

export class Gemma4Attention {
  readonly seesBothWays: boolean;
  readonly rotary: RotaryTables;
  readonly #config: Config;
  readonly #loader: WeightLoader;
  readonly #sizes: LlamaSizes;
  readonly #types: readonly unknown[];
  /** The first layer without keys of its own. */
  readonly #firstTaking: number;
  readonly #window: number;
  readonly #positions: TypedRotary;

  /** `usual`: the window where config.json names none. */
  constructor(config: Config, loader: WeightLoader, sizes: LlamaSizes, usual: number) {
    this.#config = config;
    this.#loader = loader;
    this.#sizes = sizes;
    this.seesBothWays = seesBothWays(config);
    this.#positions = new TypedRotary(config, loader, sizes.headSize, usualRotary);
    this.rotary = this.#positions.tables;
    const count = config.layers('num_hidden_layers');
    const byNumber = Array.from({ length: count }, (_, i) => ((i + 1) % 6 === 0 ? full : sliding));
    // The last one sees everything, whatever is said.
    this.#types = (layerTypes(config) ?? byNumber).with(count - 1, full);
    this.#firstTaking = count - config.integer('num_kv_shared_layers', 0, 0, count - 1);
    const window = config.integer('sliding_window', usual);
    // To either side so many, besides itself.
    this.#window = this.seesBothWays ? Math.floor(window / 2) + 2 : window;
  }

  /** Whether a layer takes the keys and values of another one. */
  takesKeys(layer: number): boolean {
    return layer >= this.#firstTaking;
  }

  /** Declares the weights of a layer, whose names begin with `prefix`. */
  layer(prefix: string, layer: number): SelfAttentionWeights {
    const [config, loader] = [this.#config, this.#loader];
    const { size, heads, eps } = this.#sizes;
    const { headSize, keyValueHeads } = this.#headsOf(layer);
    const [type, takes] = [this.#types[layer], this.takesKeys(layer)];
    const keysAreValues = config.boolean('attention_k_eq_v', false) && type === full;
    const own = takes ? [] : keysAreValues ? ['k_proj'] : ['k_proj', 'v_proj'];
    const bias = { bias: config.boolean('attention_bias', false) };
    return {
      heads,
      keyValueHeads,
      headSize,
      scale: 1,
      queryKeyValue: loader.linear(
        ['q_proj', ...own].map((name) => `${prefix}.${name}`),
        [heads, ...own.map(() => keyValueHeads)].map((count) => count * headSize),
        size,
        bias,
      ),
      keysAreValues,
      keysOf: takes ? this.#keysOf(type) : undefined,
      output: loader.linear(`${prefix}.o_proj`, size, heads * headSize, bias),
      headNorm: {
        weight: loader.vector(
          [`${prefix}.q_norm.weight`, takes ? undefined : `${prefix}.k_norm.weight`],
          headSize,
        ),
        eps,
        offset: 0,
        values: true,
      },
      rotary: this.#positions.table(String(type), headSize),
      window: type === sliding ? this.#window : undefined,
    };
  }

  /** The last layer of a kind that has keys of its own. */
  #keysOf(type: unknown): number {
    const found = this.#types.lastIndexOf(type, this.#firstTaking - 1);
    if (found >= 0) return found;
    return this.#config.invalid(
      'num_kv_shared_layers',
      'fewer, as layers of a kind are left without keys',
    );
  }

  /** `per_layer_config` has what is other in some layers; files without it say it of all that see everything. */
  #headsOf(layer: number): Pick<LlamaSizes, 'headSize' | 'keyValueHeads'> {
    const config = this.#config;
    let { headSize, keyValueHeads } = this.#sizes;
    if (config.get('per_layer_config') !== undefined) {
      const own = config.section('per_layer_config').section(String(layer), '', {});
      headSize = own.integer('head_dim', headSize);
      keyValueHeads = own.integer('num_key_value_heads', keyValueHeads);
      own.refuseOthers([]);
    } else if (this.#types[layer] === full) {
      headSize = config.integer('global_head_dim', 512);
      const isAsked = config.boolean('attention_k_eq_v', false);
      if (isAsked) keyValueHeads = config.integer('num_global_key_value_heads', keyValueHeads);
    }
    if (this.#sizes.heads % keyValueHeads !== 0) config.refuse('num_global_key_value_heads');
    return { headSize, keyValueHeads };
  }
}

/** "all": tokens see both ways; "vision": those of images do, and texts see what stands before. */
function seesBothWays(config: Config): boolean {
  const name = 'use_bidirectional_attention';
  const given = config.get(name) ?? 'vision';
  if (given !== 'all' && given !== 'vision') config.refuse(name, '"all" or "vision"');
  config.boolean('is_causal', true); // says the same in newer files
  if (given === 'all' && headName(config) === 'CausalLM') {
    config.refuse(name, '"vision" or none, as what sees both ways tells no next token');
  }
  return given === 'all';
}
