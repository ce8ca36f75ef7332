// The attention of Gemma 4: layers with a window and layers without, of unlike heads; the last of both kinds take the keys
// and values of the last before them.

import type { Config } from '../../config.ts';
import { headName } from '../../heads/head-name.ts';
import type { SelfAttentionWeights } from '../../layers/attention.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import type { RotaryTables } from '../rotary-tables.ts';
import { TypedRotary } from '../typed-rotary.ts';
import { layerTypes, type LlamaSizes } from './llama-parts.ts';
import { normedHeads, SharedKeys } from './shared-keys.ts';

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
  readonly #shared: SharedKeys;
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
    this.#shared = new SharedKeys(config, this.#types, 0);
    const window = config.integer('sliding_window', usual);
    // To either side so many, besides itself.
    this.#window = this.seesBothWays ? Math.floor(window / 2) + 2 : window;
  }

  /** Whether a layer takes the keys and values of another one. */
  takesKeys(layer: number): boolean {
    return this.#shared.takes(layer);
  }

  /** Declares the weights of a layer, whose names begin with `prefix`. */
  layer(prefix: string, layer: number): SelfAttentionWeights {
    const config = this.#config;
    const sizes = { ...this.#sizes, ...this.#headsOf(layer) };
    const type = this.#types[layer];
    return {
      ...normedHeads(this.#loader, prefix, sizes, {
        takes: this.takesKeys(layer),
        keysAreValues: config.boolean('attention_k_eq_v', false) && type === full,
        bias: config.boolean('attention_bias', false),
      }),
      keysOf: this.#shared.of(layer),
      rotary: this.#positions.table(String(type), sizes.headSize),
      window: type === sliding ? this.#window : undefined,
    };
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
