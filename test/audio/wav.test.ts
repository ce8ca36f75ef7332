// WAVE files of every kind of samples, and files that are none.
import { expect, test } from 'vitest';
import { readWav, isWav } from '../../src/audio/wav.ts';
import { TransformerError } from '../../src/runtime/errors.ts';
import { pcm16, wavFile, type WavOptions } from '../support/wav.ts';

/** Numbers that all formats of at least 8 bits have. */
const numbers = [0, 0.5, -0.5, -1, 0.25];

function bytesOf(bits: number): Uint8Array {
  const view = new DataView(new ArrayBuffer((numbers.length * bits) / 8));
  for (const [i, value] of numbers.entries()) {
    const at = (i * bits) / 8;
    const whole = value * 2 ** (bits - 1);
    if (bits === 8) view.setUint8(at, whole + 128);
    if (bits === 16) view.setInt16(at, whole, true);
    if (bits === 24) {
      view.setUint8(at, whole & 255);
      view.setInt16(at + 1, whole >> 8, true);
    }
    if (bits === 32) view.setInt32(at, whole, true);
  }
  return new Uint8Array(view.buffer);
}

test.each([8, 16, 24, 32])('whole numbers of %i bits', (bits) => {
  for (const extensible of [false, true]) {
    const file = wavFile(bytesOf(bits), { bits, samplingRate: 8000, extensible });
    expect(isWav(file)).toBe(true);
    const { data, samplingRate } = readWav(file, 'sound.wav');
    expect([...data]).toEqual(numbers);
    expect(samplingRate).toBe(8000);
  }
});

test('fewer bits than fill their bytes are the upper ones', () => {
  const { data } = readWav(wavFile(pcm16(numbers), { bits: 12 }), 'sound.wav');
  expect([...data]).toEqual(numbers);
});

test.each([
  [32, new Uint8Array(Float32Array.from(numbers).buffer)],
  [64, new Uint8Array(Float64Array.from(numbers).buffer)],
])('floats of %i bits', (bits, bytes) => {
  const { data } = readWav(wavFile(bytes, { tag: 3, bits, extensible: bits === 32 }), 'sound.wav');
  expect([...data]).toEqual(numbers);
});

// Python's audioop gives these of 16 bits.
test.each([
  [6, [-5504, -5248, -8, 8, 5504, -32256, 848]],
  [7, [-32124, -31100, -716, 716, 32124, -5372, 0]],
])('logarithmic samples, format %i', (tag, wanted) => {
  const codes = Uint8Array.of(0, 1, 0x55, 0xd5, 0x80, 0x2a, 0xff);
  const { data } = readWav(wavFile(codes, { tag, bits: 8 }), 'sound.wav');
  expect([...data].map((value) => value * 2 ** 15)).toEqual(wanted);
});

test('channels become their mean; chunks of odd lengths are passed over; half a sample is left out', () => {
  const samples = [...pcm16([0.5, 0.25, 0, -1, 1 / 4, 1 / 8]), 1, 2];
  const chunks = { LIST: Uint8Array.of(1, 2, 3), fact: Uint8Array.of(0, 0, 0, 0) };
  const file = wavFile(Uint8Array.from(samples), { channels: 3, chunks });
  expect([...readWav(file, 'sound.wav').data]).toEqual([0.25, Math.fround((-1 + 3 / 8) / 3)]);
});

test('samples of unknown length go on to the end', () => {
  const file = wavFile(pcm16(numbers), { told: 0xffffffff });
  expect([...readWav(file, 'sound.wav').data]).toEqual(numbers);
  const large = new DataView(new ArrayBuffer(28));
  large.setBigUint64(8, 6n, true);
  const told = { told: 0xffffffff, chunks: { ds64: new Uint8Array(large.buffer) } };
  const rf64 = wavFile(pcm16(numbers), told);
  rf64.set(new TextEncoder().encode('RF64'));
  expect([...readWav(rf64, 'sound.wav').data]).toEqual(numbers.slice(0, 3));
});

test('what cannot be read says why, and names the file', () => {
  const refused = (bytes: Uint8Array, code: string, part: string): void => {
    let error: unknown;
    try {
      readWav(bytes, 'sound.wav');
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(TransformerError);
    expect((error as TransformerError).code).toBe(code);
    expect((error as TransformerError).message).toContain('sound.wav');
    expect((error as TransformerError).message).toContain(part);
  };
  const made = (options: WavOptions): Uint8Array => wavFile(pcm16(numbers), options);
  const whole = made({});
  for (const end of [12, 20, 36, 43]) refused(whole.slice(0, end), 'FILE_TRUNCATED', `byte ${end}`);
  refused(whole.slice(0, 48), 'FILE_TRUNCATED', '4 bytes of the 10');
  refused(made({ tag: 2, bits: 4 }), 'FILE_INVALID', '4 bits in format 2');
  refused(made({ tag: 3, bits: 16 }), 'FILE_INVALID', '16 bits in format 3');
  refused(made({ channels: 0 }), 'FILE_INVALID', 'makes no sense');
  refused(made({ samplingRate: 0 }), 'FILE_INVALID', 'makes no sense');
  const other = made({ extensible: true });
  other[12 + 8 + 30] = 7;
  refused(other, 'FILE_INVALID', 'unknown format');
  const early = Uint8Array.from([
    ...whole.slice(0, 12),
    ...whole.slice(36),
    ...whole.slice(12, 36),
  ]);
  refused(early, 'FILE_INVALID', 'before it says');
  const big = whole.slice();
  big.set(new TextEncoder().encode('RIFX'));
  refused(big, 'FILE_INVALID', 'RIFX');
  expect(isWav(new TextEncoder().encode('<!doctype html>'))).toBe(false);
  expect(isWav(new Uint8Array(3))).toBe(false);
});
