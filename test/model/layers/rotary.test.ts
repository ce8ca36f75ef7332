// Frequencies of rotary position embeddings, next to those of transformers.
import { expect, test } from 'vitest';
import { TransformerError } from 'webgpu-transformer';
import { Config } from '../../../src/model/config.ts';
import { readRotary, type RotaryOptions } from '../../../src/model/layers/rotary.ts';
import { readFixtureJson } from '../../support/fixture.ts';

interface Case {
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly headSize: number;
  readonly length: number;
  readonly frequencies: readonly number[];
  readonly scale: number;
}

const cases = (await readFixtureJson('rotary.json')) as readonly Case[];

function read(fields: Readonly<Record<string, unknown>>, options: Partial<RotaryOptions> = {}) {
  return readRotary(new Config(fields, 'config.json'), { headSize: 24, ...options });
}

/** Relative: both sides compute in float64, in some ten steps. */
const close = 1e-13;

test('every type has the frequencies of transformers, for every length', () => {
  const types = new Set<string>();
  for (const { name, config, headSize, length, frequencies, scale } of cases) {
    const rotary = read(config, { headSize });
    const got = rotary.frequencies(length);
    expect(got, `config ${name}`).toHaveLength(frequencies.length);
    for (const [i, wanted] of frequencies.entries()) {
      expect(Math.abs(got[i]! / wanted - 1), `${name}, ${length}: pair ${i}`).toBeLessThan(close);
    }
    expect(Math.abs(rotary.scale / scale - 1), `${name}: scale`).toBeLessThan(close);
    types.add(name.split(',')[0]!);
  }
  const wanted = ['default', 'dynamic', 'linear', 'llama3', 'longrope', 'yarn'];
  expect([...types].toSorted()).toEqual(wanted);
});

test('frequencies hold for the lengths they are said to hold for', () => {
  for (const { name, config, headSize } of cases) {
    const { frequencies, steadyLength } = read(config, { headSize });
    const first = frequencies(1);
    const last = Math.min(steadyLength, 2 ** 24);
    expect(frequencies(last), `config ${name}`).toEqual(first);
    const changes = /dynamic|longrope/.test(name);
    expect(steadyLength < Infinity, `config ${name}`).toBe(changes);
    if (changes) expect(frequencies(steadyLength + 1), `config ${name}`).not.toEqual(first);
  }
});

test('what the config leaves out comes from the options', () => {
  expect(read({}).frequencies(1)[1]).toBeCloseTo(1e4 ** (-1 / 12), 14);
  expect(read({}, { theta: 100 }).frequencies(1)[1]).toBeCloseTo(100 ** (-1 / 12), 14);
  expect(read({ rope_theta: 7 }, { theta: 100 }).frequencies(1)[1]).toBeCloseTo(7 ** (-1 / 12), 14);
  expect(read({}, { partial: 0.25 }).frequencies(1)).toHaveLength(3);
  expect(read({ partial_rotary_factor: 0.5 }, { partial: 0.25 }).frequencies(1)).toHaveLength(6);
  expect(read({ rope_scaling: null }).scale).toBe(1);
  expect(read({ rope_scaling: {}, rope_parameters: { rope_theta: 9 } }).frequencies(1)[6]).toBe(
    9 ** -0.5,
  );
});

test('kinds of layers may have settings of their own', () => {
  const config = {
    rope_parameters: {
      full_attention: { rope_type: 'linear', rope_theta: 1e6, factor: 8 },
      sliding_attention: { rope_type: 'default', rope_theta: 1e4 },
    },
  };
  expect(read(config, { layerType: 'full_attention' }).frequencies(1)[0]).toBe(1 / 8);
  const sliding = read(config, { layerType: 'sliding_attention' }).frequencies(1);
  expect(sliding).toEqual(read({}).frequencies(1));
  expect(() => read(config)).toThrow('"full_attention"');
});

test('unknown types and settings are refused by name', () => {
  const refused: [object, string, string][] = [
    [{ rope_scaling: { type: 'mrope', factor: 2 } }, 'MODEL_UNSUPPORTED', 'mrope'],
    [{ rope_scaling: { rope_type: 3 } }, 'MODEL_UNSUPPORTED', '"rope_type" is 3'],
    [
      { rope_parameters: { rope_type: 'default', mrope_section: [2, 2] } },
      'MODEL_UNSUPPORTED',
      '"rope_parameters": "mrope_section"',
    ],
    [{ rope_scaling: 'linear' }, 'CONFIG_INVALID', '"rope_scaling"'],
    [{ rope_scaling: { type: 'linear' } }, 'CONFIG_INVALID', '"factor"'],
    [{ rope_scaling: { type: 'dynamic', factor: 2 } }, 'CONFIG_INVALID', 'max_position_embeddings'],
    [
      {
        rope_scaling: { type: 'longrope', factor: 2, short_factor: [1], long_factor: [1] },
        max_position_embeddings: 8,
      },
      'CONFIG_INVALID',
      '12 numbers',
    ],
    [{ rope_theta: 'large' }, 'CONFIG_INVALID', '"rope_theta"'],
  ];
  for (const [fields, code, about] of refused) {
    let error: unknown;
    try {
      read(fields as Record<string, unknown>);
    } catch (thrown) {
      error = thrown;
    }
    expect(error, `about ${about}`).toBeInstanceOf(TransformerError);
    expect(error, `about ${about}`).toMatchObject({ code });
    expect((error as Error).message).toContain(about);
  }
});
