// Sound files in WAVE format (IBM and Microsoft, 1991, "Multimedia Programming Interface and Data Specifications
// 1.0"; extensible: Microsoft, 2001; RF64: EBU Tech 3306).

import { TransformerError } from '../runtime/errors.ts';
import { show } from '../runtime/print.ts';
import { type SampleFormat, sampleReader } from './wav-samples.ts';

/** Sound of one channel. */
export interface Sound {
  readonly data: Float32Array<ArrayBuffer>;
  /** Samples a second. */
  readonly samplingRate: number;
}

/** Whether these are the bytes of a WAVE file, also of one that cannot be read. */
export function isWav(bytes: Uint8Array): boolean {
  return /^(RIFF|RIFX|RF64|BW64)$/.test(tagAt(bytes, 0)) && tagAt(bytes, 8) === 'WAVE';
}

/**
 * The mean of a WAVE file's channels, of samples as whole numbers of 8 to 32 bits, as floats of 32 or 64, or by A-law
 * or µ-law. `name`: the file's, for messages. Errors: FILE_INVALID, FILE_TRUNCATED.
 */
export function readWav(bytes: Uint8Array, name: string): Sound {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (tagAt(bytes, 0) === 'RIFX') throw invalid(name, 'has its bytes the other way round (RIFX)');
  const { format, data } = chunksOf(view, bytes, name);
  const { channels, samplingRate, frame } = format;
  const read = sampleReader(format);
  if (read === undefined) {
    const { tag, bits } = format;
    throw invalid(name, `has samples of ${bits} bits in format ${tag}, which cannot be read`);
  }
  const width = frame / channels;
  const mono = new Float32Array(Math.floor(data.length / frame));
  let at = data.start;
  for (let i = 0; i < mono.length; i++) {
    let sum = 0;
    for (let channel = 0; channel < channels; channel++) {
      sum += read(view, at);
      at += width;
    }
    mono[i] = sum / channels;
  }
  return { data: mono, samplingRate };
}

interface Format extends SampleFormat {
  readonly channels: number;
  readonly samplingRate: number;
  /** Bytes of a sample of all channels. */
  readonly frame: number;
}

interface Chunks {
  readonly format: Format;
  /** Where the samples lie, in bytes. */
  readonly data: { readonly start: number; readonly length: number };
}

/** A size that writers give who do not know it yet: then the samples go on to the end. */
const UNKNOWN = 0xffffffff;

function chunksOf(view: DataView, bytes: Uint8Array, name: string): Chunks {
  let format: Format | undefined;
  let large: number | undefined;
  let at = 12;
  while (at + 8 <= bytes.length) {
    const [tag, told, start] = [tagAt(bytes, at), view.getUint32(at + 4, true), at + 8];
    const left = bytes.length - start;
    if (tag === 'data') {
      if (format === undefined) throw invalid(name, 'has samples before it says what they are');
      const length = told === UNKNOWN ? (large ?? left) : told;
      if (length <= left) return { format, data: { start, length } };
      throw new TransformerError(
        'FILE_TRUNCATED',
        `${name} is cut off: it has ${left} bytes of the ${length} of its samples. Get the whole file.`,
      );
    }
    if (told > left) break;
    if (tag === 'fmt ') format = formatOf(view, start, told, name);
    if (tag === 'ds64' && told >= 24) large = Number(view.getBigUint64(start + 8, true));
    // Chunks begin at even bytes.
    at = start + told + (told % 2);
  }
  throw new TransformerError(
    'FILE_TRUNCATED',
    `${name} ends before its samples begin, at byte ${bytes.length}. Get the whole file.`,
  );
}

/** The last bytes of the name of a format that older files say by a number alone. */
const WAVE_GUID = '000000001000800000aa00389b71';

function formatOf(view: DataView, start: number, length: number, name: string): Format {
  if (length < 16) throw invalid(name, `says in ${length} bytes what its samples are, not in 16`);
  const u16 = (at: number): number => view.getUint16(start + at, true);
  let tag = u16(0);
  if (tag === 0xfffe && length >= 40) {
    const guid = Array.from({ length: 14 }, (_, i) => view.getUint8(start + 26 + i));
    const text = guid.map((byte) => byte.toString(16).padStart(2, '0')).join('');
    if (text !== WAVE_GUID) throw invalid(name, `has samples of the unknown format ${text}`);
    tag = u16(24);
  }
  const [channels, samplingRate] = [u16(2), view.getUint32(start + 4, true)];
  const [frame, bits] = [u16(12), u16(14)];
  if (channels === 0 || samplingRate === 0 || frame === 0 || frame % channels !== 0) {
    const told = show({ channels, samplingRate, bytes: frame });
    throw invalid(name, `has a header that makes no sense: ${told}`);
  }
  return { tag, bits, bytes: frame / channels, channels, samplingRate, frame };
}

function tagAt(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}

function invalid(name: string, what: string): TransformerError {
  const next = 'Save it as WAV with whole numbers of 16 bits.';
  return new TransformerError('FILE_INVALID', `${name} ${what}. ${next}`);
}
