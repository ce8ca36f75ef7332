// WAVE files for tests, and FLAC, which pages decode.

export interface WavOptions {
  /** 1 whole numbers, 3 floats, 6 A-law, 7 µ-law. */
  readonly tag?: number;
  readonly bits?: number;
  readonly channels?: number;
  readonly samplingRate?: number;
  /** Says what its samples are as newer files do. */
  readonly extensible?: boolean;
  /** Chunks before the samples, by their names. */
  readonly chunks?: Readonly<Record<string, Uint8Array>>;
  /** Bytes that the samples are said to take. */
  readonly told?: number;
}

/** A file with these bytes of samples. */
export function wavFile(samples: Uint8Array, options: WavOptions = {}): Uint8Array<ArrayBuffer> {
  const { tag = 1, bits = 16, channels = 1, samplingRate = 16_000, extensible = false } = options;
  const frame = channels * Math.ceil(bits / 8);
  const format = new DataView(new ArrayBuffer(extensible ? 40 : 16));
  format.setUint16(0, extensible ? 0xfffe : tag, true);
  format.setUint16(2, channels, true);
  format.setUint32(4, samplingRate, true);
  format.setUint32(8, samplingRate * frame, true);
  format.setUint16(12, frame, true);
  format.setUint16(14, bits, true);
  if (extensible) {
    format.setUint16(16, 22, true);
    format.setUint16(18, bits, true);
    const guid = [tag, 0, 0, 0, 0, 0, 16, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71];
    guid.forEach((byte, i) => format.setUint8(24 + i, byte));
  }
  const parts = [
    ...Object.entries({ 'fmt ': new Uint8Array(format.buffer), ...options.chunks }).flatMap(
      ([name, bytes]) => chunk(name, bytes),
    ),
    ...chunk('data', samples, options.told),
  ];
  const length = parts.reduce((sum, part) => sum + part.length, 4);
  return joined([text('RIFF'), word(length), text('WAVE'), ...parts]);
}

/** Numbers from -1 to 1 as whole ones of 16 bits. */
export function pcm16(values: readonly number[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Int16Array.from(values, (value) => value * 2 ** 15).buffer);
}

/** A FLAC file (RFC 9639) of one frame, its samples of 16 bits as they are. */
export function flacFile(values: readonly number[], samplingRate: number): Uint8Array<ArrayBuffer> {
  const { length } = values;
  const info = new DataView(new ArrayBuffer(34));
  info.setUint16(0, length);
  info.setUint16(2, length);
  // Rate (20 bits), channels - 1 (3), bits - 1 (5), samples (36).
  info.setUint32(10, samplingRate * 2 ** 12 + (15 << 4));
  info.setUint32(14, length);
  const frame = [0xff, 0xf8, 0x70, 0x08, 0, (length - 1) >> 8, (length - 1) & 255];
  frame.push(remainder(frame, 8, 0x07), 0x02);
  for (const value of values) {
    const whole = Math.round(value * 2 ** 15);
    frame.push((whole >> 8) & 255, whole & 255);
  }
  const check = remainder(frame, 16, 0x8005);
  const header = [...text('fLaC'), 0x80, 0, 0, 34, ...new Uint8Array(info.buffer)];
  return Uint8Array.from([...header, ...frame, check >> 8, check & 255]);
}

/** The check of so many bits of some bytes. */
function remainder(bytes: readonly number[], bits: number, polynomial: number): number {
  let rest = 0;
  for (const byte of bytes) {
    rest ^= byte << (bits - 8);
    for (let i = 0; i < 8; i++) {
      const isOut = (rest >> (bits - 1)) & 1;
      rest = ((rest << 1) & (2 ** bits - 1)) ^ (isOut ? polynomial : 0);
    }
  }
  return rest;
}

function chunk(name: string, bytes: Uint8Array, told: number = bytes.length): Uint8Array[] {
  return [text(name), word(told), bytes, new Uint8Array(bytes.length % 2)];
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

function word(value: number): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(4));
  bytes.setUint32(0, value, true);
  return new Uint8Array(bytes.buffer);
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
