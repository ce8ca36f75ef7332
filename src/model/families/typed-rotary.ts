// Rotary positions by kind of layer, each with settings of its own in `rope_parameters`.

import type { Config } from '../config.ts';
import type { JsonObject } from '../../source/json.ts';
import type { WeightLoader } from '../weights/weights.ts';
import { rotaryTurns } from '../../shaders/attention/heads/rotary-turns.ts';
import type { Rotary } from '../../shaders/attention/heads/split-heads.ts';
import { proportionalFrequencies } from './proportional-rotary.ts';
import { RotaryTables } from './rotary-tables.ts';

export class TypedRotary {
  /** Those that go by the length of the text among them. */
  readonly tables: RotaryTables;
  readonly #config: Config;
  readonly #loader: WeightLoader;
  readonly #headSize: number;
  readonly #usual: JsonObject;
  readonly #known = new Map<string, Rotary>();

  /** `usual`: the settings by kind where config.json has none. */
  constructor(config: Config, loader: WeightLoader, headSize: number, usual: JsonObject) {
    this.tables = new RotaryTables(config, loader, headSize);
    this.#config = config;
    this.#loader = loader;
    this.#headSize = headSize;
    this.#usual = usual;
  }

  /** The positions of a kind of layer, whose heads may have another size. */
  table(type: string, headSize: number = this.#headSize): Rotary {
    const key = `${type} ${headSize}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const settings = this.#config.section('rope_parameters', '', this.#usual).section(type);
    const table = ['default', 'proportional'].includes(settings.string('rope_type', 'default'))
      ? this.#plain(proportionalFrequencies(settings, headSize))
      : this.tables.table({ layerType: type, headSize });
    this.#known.set(key, table);
    return table;
  }

  #plain(frequencies: readonly number[]): Rotary {
    const turns = rotaryTurns(frequencies);
    return { turns: this.#loader.computed('rotary', [frequencies.length, 2], turns), scale: 1 };
  }
}
