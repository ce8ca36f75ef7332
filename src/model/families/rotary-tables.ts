// The rotary frequencies of a model's layers, as tensors. Layers with the same settings share theirs.

import type { Config } from '../config.ts';
import type { TokenInputOptions } from '../inputs/token-inputs.ts';
import { type StretchedRotary, stretchedRotary } from '../layers/stretched-rotary.ts';
import { readRotary, type RotaryOptions } from '../layers/rotary.ts';
import type { WeightLoader } from '../weights/weights.ts';
import { rotaryTurns } from '../../shaders/attention/heads/rotary-turns.ts';
import type { Rotary } from '../../shaders/attention/heads/split-heads.ts';

export class RotaryTables {
  readonly #config: Config;
  readonly #loader: WeightLoader;
  readonly #headSize: number;
  readonly #tables = new Map<string, Rotary>();
  /** Those whose frequencies depend on the length of the sequence. */
  readonly stretched: StretchedRotary[] = [];

  constructor(config: Config, loader: WeightLoader, headSize: number) {
    this.#config = config;
    this.#loader = loader;
    this.#headSize = headSize;
  }

  /** What config.json asks for; of a kind of layer, or with other defaults, where `options` say so. */
  table(options: Partial<RotaryOptions> = {}): Rotary {
    const key = JSON.stringify(options);
    const known = this.#tables.get(key);
    if (known !== undefined) return known;
    const frequencies = readRotary(this.#config, { headSize: this.#headSize, ...options });
    const values = rotaryTurns(frequencies.frequencies(1));
    const turns = this.#loader.computed('rotary', [values.length / 2, 2], values);
    if (frequencies.steadyLength < Infinity)
      this.stretched.push(stretchedRotary(turns, frequencies));
    const table = { turns, scale: frequencies.scale };
    this.#tables.set(key, table);
    return table;
  }

  /** How tokens are read with them: `most` at most, unless frequencies grow with the text; and those that go by its length. */
  reading(most: () => number): Required<Pick<TokenInputOptions, 'maxPositions' | 'rotary'>> {
    const grow = this.stretched.some(({ frequencies }) => frequencies.grows);
    return { maxPositions: grow ? Infinity : most(), rotary: this.stretched };
  }
}
