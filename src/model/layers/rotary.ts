// Frequencies of rotary position embeddings (RoFormer, Su et al. 2021, arXiv 2104.09864, §3.2.2) and the
// ways to stretch them to longer sequences, as config.json asks for them.

import { Config } from '../config.ts';
import { isObject } from '../../source/json.ts';

export interface RotaryOptions {
  readonly headSize: number;
  /** θ where the config names none; 10000 when absent. */
  readonly theta?: number;
  /** The part of each head that rotates where the config names none; 1 when absent. */
  readonly partial?: number;
  /** Frequencies of this θ, whatever the config asks for. */
  readonly ownTheta?: number | undefined;
  /** Which settings count where kinds of layers have their own: `sliding_attention`, say. */
  readonly layerType?: string;
}

export interface RotaryFrequencies {
  /** Radians a position of each pair of columns, in a sequence of `length` tokens. */
  readonly frequencies: (length: number) => number[];
  /** They are the same for all lengths up to this one. */
  readonly steadyLength: number;
  /** Factor of cosine and sine. */
  readonly scale: number;
  /** Whether they are made for sequences of any length. */
  readonly grows?: boolean;
}

/** Columns of a head that rotate, at most: each has a frequency. */
const MOST_COLUMNS = 2 ** 16;

/** Keys that name settings; any other would ask for something that is not done here. */
const known = (
  'rope_type type rope_theta partial_rotary_factor factor original_max_position_embeddings ' +
  'attention_factor beta_fast beta_slow mscale mscale_all_dim truncate ' +
  'low_freq_factor high_freq_factor short_factor long_factor'
).split(' ');

/**
 * Reads `rope_theta` with `rope_scaling`, or `rope_parameters` where newer files keep both.
 * @throws TransformerError MODEL_UNSUPPORTED for an unknown type or setting, CONFIG_INVALID for a
 * setting that is missing or wrong
 */
export function readRotary(config: Config, options: RotaryOptions): RotaryFrequencies {
  const { headSize, layerType = '' } = options;
  const settings = settingsOf(config, layerType);
  const number = (name: string, fallback?: number): number =>
    settings.number(name, config.get(name) === undefined ? fallback : config.number(name));
  const theta = number('rope_theta', options.theta ?? 10000);
  const size = Math.trunc(headSize * number('partial_rotary_factor', options.partial ?? 1));
  const refuse = (name: string, wanted: string): never =>
    (settings.get(name) === undefined ? config : settings).invalid(name, wanted);
  if (!(theta > 0)) refuse('rope_theta', 'a number above 0');
  if (!(size >= 0 && size <= Math.min(headSize, MOST_COLUMNS))) {
    refuse('partial_rotary_factor', `what makes none to all of ${headSize} columns rotate`);
  }
  // §3.2.2: θᵢ = 10000^(-2(i - 1)/d)
  const plain = (base = theta): number[] =>
    Array.from({ length: Math.ceil(size / 2) }, (_, i) => base ** ((-2 * i) / size));
  const always = (frequencies: number[], scale = 1): RotaryFrequencies => ({
    frequencies: () => frequencies,
    steadyLength: Infinity,
    scale,
  });
  if (options.ownTheta !== undefined) return always(plain(options.ownTheta));
  const longest = (): number => config.integer('max_position_embeddings');
  const name = 'original_max_position_embeddings';
  const original = (): number =>
    config.get(name) === undefined
      ? settings.integer(name, settings.get(name) === undefined ? longest() : undefined)
      : config.integer(name);
  const stretch = (): number =>
    settings.get('factor') === undefined ? longest() / original() : settings.positive('factor');
  const context = { config: settings, size, theta, original, stretch };

  const typeName = settings.get('rope_type') === undefined ? 'type' : 'rope_type';
  const type = settings.get(typeName) ?? 'default';
  switch (type) {
    case 'default':
      return always(plain());
    case 'linear': {
      const factor = settings.positive('factor');
      return always(plain().map((frequency) => frequency / factor));
    }
    case 'dynamic': {
      const [factor, most] = [settings.positive('factor'), longest()];
      const longer = (length: number): number =>
        theta * ((factor * length) / most - (factor - 1)) ** (size / (size - 2));
      return {
        frequencies: (length) => plain(longer(Math.max(length, most))),
        steadyLength: most,
        scale: 1,
        grows: true,
      };
    }
    case 'llama3':
      return always(llama3(plain(), context));
    case 'yarn':
      return always(yarn(plain(), context), yarnScale(context));
    case 'longrope':
      return longRope(plain(), context);
    default:
      return settings.refuse(typeName, 'default, linear, dynamic, yarn, llama3 or longrope');
  }
}

interface Context {
  readonly config: Config;
  /** Columns that rotate. */
  readonly size: number;
  readonly theta: number;
  /** Length of the sequences that the model was first trained on. */
  readonly original: () => number;
  /** How many times longer sequences may be now. */
  readonly stretch: () => number;
}

/** The settings for a kind of layer; older files call them `rope_scaling`. */
function settingsOf(config: Config, layerType: string): Config {
  const isGiven = (value: unknown): boolean =>
    value !== undefined && !(isObject(value) && Object.keys(value).length === 0);
  const name = ['rope_scaling', 'rope_parameters'].find((key) => isGiven(config.get(key)));
  if (name === undefined) return new Config({}, '');
  let settings = config.section(name);
  let fields = config.get(name);
  if (isObject(settings.get(layerType))) {
    fields = settings.get(layerType);
    settings = settings.section(layerType);
  }
  for (const key of Object.keys(fields ?? {})) {
    if (known.includes(key) || settings.get(key) === undefined) continue;
    settings.refuse(key, `none, but only ${known.join(', ')}`);
  }
  return settings;
}

/** Llama 3.1: long waves are stretched, short ones left alone, and those between are mixed. */
function llama3(plain: number[], { config, original }: Context): number[] {
  const [factor, length] = [config.positive('factor'), original()];
  const [low, high] = [config.positive('low_freq_factor'), config.positive('high_freq_factor')];
  if (high <= low) {
    config.invalid('high_freq_factor', `more than "low_freq_factor", which is ${low}`);
  }
  return plain.map((frequency) => {
    const waves = (length * frequency) / (2 * Math.PI);
    const kept = Math.min(1, Math.max(0, (waves - low) / (high - low)));
    return (frequency * (1 - kept)) / factor + frequency * kept;
  });
}

/** "NTK-by-parts" of YaRN (Peng et al. 2023, arXiv 2309.00071), §3.2. */
function yarn(plain: number[], { config, size, theta, original, stretch }: Context): number[] {
  const [factor, length] = [stretch(), original()];
  // The pair that turns so many times over the original length.
  const pairOf = (turns: number): number =>
    (size * Math.log(length / (turns * 2 * Math.PI))) / (2 * Math.log(theta));
  let low = pairOf(config.least('beta_fast', 0, 32) || 32);
  let high = pairOf(config.least('beta_slow', 0, 1) || 1);
  if (config.boolean('truncate', true)) [low, high] = [Math.floor(low), Math.ceil(high)];
  low = Math.max(low, 0);
  high = Math.min(high, size - 1);
  if (low === high) high += 0.001;
  return plain.map((frequency, i) => {
    const stretched = Math.min(1, Math.max(0, (i - low) / (high - low)));
    return (frequency / factor) * stretched + frequency * (1 - stretched);
  });
}

/** §3.4, eq. 15: √(1/t) = 0.1 ln(s) + 1. */
function yarnScale({ config, stretch }: Context): number {
  if (config.get('attention_factor') !== undefined) return config.positive('attention_factor');
  const scale = (weight: number): number =>
    stretch() <= 1 ? 1 : 0.1 * weight * Math.log(stretch()) + 1;
  const [mscale, all] = [config.least('mscale', 0, 0), config.least('mscale_all_dim', 0, 0)];
  return mscale !== 0 && all !== 0 ? scale(mscale) / scale(all) : scale(1);
}

/** LongRoPE (Ding et al. 2024, arXiv 2402.13753): a factor for each pair, others for long sequences. */
function longRope(plain: number[], { config, original, stretch }: Context): RotaryFrequencies {
  const [length, factor] = [original(), stretch()];
  const divided = (name: string): number[] => {
    const factors = config.numbers(name, []);
    if (factors.length !== plain.length || factors.some((each) => each <= 0)) {
      config.invalid(name, `${plain.length} numbers above 0, one for each pair`);
    }
    return plain.map((frequency, i) => frequency / (factors[i] ?? 1));
  };
  const [short, long] = [divided('short_factor'), divided('long_factor')];
  const scale = factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(length));
  return {
    frequencies: (tokens) => (tokens > length ? long : short),
    steadyLength: length,
    scale: config.positive('attention_factor', scale),
  };
}
