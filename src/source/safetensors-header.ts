// The header of one safetensors file: 8 bytes of length (little-endian), then JSON, then the data.
// Anyone may have written it, so every statement in it is checked before a byte of data is read.

import { TransformerError, type ErrorCode } from '../runtime/errors.ts';
import { duplicateKey, isObject, type JsonObject, parseJson, show } from './json.ts';
import { describeFile, fileSize, readAtMost, readRange, type Source } from './source.ts';
import { trusting } from './trust.ts';

/** Element types of the safetensors format (README of huggingface/safetensors, "Format"). */
export type StoredDtype =
  | 'BOOL'
  | 'F4'
  | 'F6_E2M3'
  | 'F6_E3M2'
  | 'U8'
  | 'I8'
  | 'F8_E5M2'
  | 'F8_E4M3'
  | 'F8_E8M0'
  | 'F8_E4M3FNUZ'
  | 'F8_E5M2FNUZ'
  | 'I16'
  | 'U16'
  | 'F16'
  | 'BF16'
  | 'I32'
  | 'U32'
  | 'F32'
  | 'C64'
  | 'F64'
  | 'I64'
  | 'U64';

/** Where a tensor lies: bytes `start` to `end` (exclusive) of `file`, row-major, little-endian. */
export interface TensorEntry {
  readonly name: string;
  readonly dtype: StoredDtype;
  readonly shape: readonly number[];
  readonly file: string;
  readonly start: number;
  readonly end: number;
}

/** Bits of one element. */
const BITS: Readonly<Record<StoredDtype, number>> = {
  BOOL: 8,
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E8M0: 8,
  F8_E4M3FNUZ: 8,
  F8_E5M2FNUZ: 8,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  C64: 64,
  F64: 64,
  I64: 64,
  U64: 64,
};

/** Bytes of an element of a stored tensor, of those that have whole ones. */
export function storedBytes(dtype: StoredDtype): number {
  return BITS[dtype] / 8;
}

/** Bytes of the length field, and the format's limit for the header after it. */
const LENGTH_BYTES = 8;
const MAX_HEADER_BYTES = 100_000_000;

const AGAIN = 'Download the file again.';
const RESAVE = 'Download the file again, or save it again with the safetensors library.';

/**
 * Reads and checks the header of one file. Undefined when the file is missing; throws
 * `FILE_TRUNCATED` when it is shorter than it states, `FILE_INVALID` for every other lie.
 * @returns the file's tensors in the order of their bytes
 */
export function readHeader(
  source: Source,
  file: string,
  signal?: AbortSignal,
): Promise<TensorEntry[] | undefined> {
  return trusting(source, file, () => readTrusted(source, file, signal));
}

async function readTrusted(
  source: Source,
  file: string,
  signal: AbortSignal | undefined,
): Promise<TensorEntry[] | undefined> {
  const label = describeFile(source, file);
  const prefix = await readAtMost(source, file, { start: 0, end: LENGTH_BYTES }, signal);
  if (prefix === undefined) return undefined;
  if (prefix.length < LENGTH_BYTES) {
    throw truncated(`${label} has ${count(prefix.length)}, a safetensors file 8 or more. ${AGAIN}`);
  }
  // Asked after the first read, which has told it to sources that learn on the way.
  const size = await fileSize(source, file, signal);
  const dataStart = LENGTH_BYTES + headerLength(prefix, label);
  if (size !== undefined && dataStart > size) {
    throw truncated(`${label} has ${count(size)}, but its header ends at ${dataStart}. ${AGAIN}`);
  }
  const range = { start: LENGTH_BYTES, end: dataStart };
  const entries = parseHeader(await readRange(source, file, range, signal), file, label);
  const end = entries.at(-1)?.end ?? dataStart;
  if (size !== undefined && size > end) {
    throw invalid(`${label} has ${count(size)}, but its tensors end at ${end}. ${RESAVE}`);
  }
  // A source that cannot tell the size is asked for the last byte, and one behind it.
  const border = { start: end - 1, end: end + 1 };
  const last = size === undefined ? await readAtMost(source, file, border, signal) : undefined;
  if (last !== undefined && last.length > 1) {
    throw invalid(`${label} goes on behind byte ${end}, where its tensors end. ${RESAVE}`);
  }
  if ((size !== undefined && size < end) || (last !== undefined && last.length < 1)) {
    const got = size === undefined ? 'fewer' : count(size);
    throw truncated(
      `${label} is cut off: its header states ${count(end)}, it has ${got}. ${AGAIN}`,
    );
  }
  return entries;
}

/** The header's length in bytes, from the first 8 bytes of the file. */
function headerLength(prefix: Uint8Array, label: string): number {
  const view = new DataView(prefix.buffer, prefix.byteOffset, prefix.byteLength);
  const length = Number(view.getBigUint64(0, true));
  if (new TextDecoder().decode(prefix) === 'version ') {
    throw invalid(`${label} is a Git LFS pointer, not the weights. Run "git lfs pull".`);
  }
  if (length < 2 || length > MAX_HEADER_BYTES) {
    throw invalid(
      `${label} states a header of ${count(length)}, wanted 2 to ${MAX_HEADER_BYTES}: ` +
        `it is no safetensors file. ${RESAVE}`,
    );
  }
  return length;
}

/** Checks the JSON and every entry; `start` and `end` become positions in the file. */
function parseHeader(bytes: Uint8Array, file: string, label: string): TensorEntry[] {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw invalid(`The header of ${label} is not UTF-8 text. ${RESAVE}`, cause);
  }
  if (!text.startsWith('{')) {
    throw invalid(`The header of ${label} starts with ${show(text[0])}, wanted "{". ${RESAVE}`);
  }
  const header = parseJson(text, `The header of ${label}`) as JsonObject;
  // JSON.parse keeps the last of two entries; other readers may keep the first.
  const duplicate = duplicateKey(text);
  if (duplicate !== undefined) {
    throw invalid(`${label} has ${show(duplicate)} twice in its header. ${RESAVE}`);
  }
  const dataStart = LENGTH_BYTES + bytes.length;
  const entries: TensorEntry[] = [];
  for (const [name, value] of Object.entries(header)) {
    if (name === '__metadata__') checkMetadata(value, label);
    else entries.push(parseEntry(name, value, { file, label, dataStart }));
  }
  entries.sort((a, b) => a.start - b.start || a.end - b.end);
  checkCover(entries, dataStart, label);
  return entries;
}

/** Free texts about the file. Nothing here reads them, but a file that lies is not trusted. */
function checkMetadata(value: unknown, label: string): void {
  const texts = isObject(value) && Object.values(value).every((each) => typeof each === 'string');
  if (texts) return;
  throw invalid(`__metadata__ of ${label} is ${show(value)}, wanted texts by name. ${RESAVE}`);
}

/** One entry, such as `{ dtype: 'F32', shape: [2, 3], data_offsets: [0, 24] }`. */
function parseEntry(
  name: string,
  value: unknown,
  { file, label, dataStart }: { file: string; label: string; dataStart: number },
): TensorEntry {
  const tensor = `Tensor ${show(name)} of ${label}`;
  if (!isObject(value)) {
    throw invalid(`${tensor} is described by ${show(value)}, wanted an object. ${RESAVE}`);
  }
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== 'string') {
    throw invalid(`${tensor} has dtype ${show(dtype)}, wanted a name such as "F32". ${RESAVE}`);
  }
  if (!isDtype(dtype)) {
    const known = Object.keys(BITS).join(', ');
    throw invalid(`${tensor} has the unknown dtype ${show(dtype)}. Save it as one of ${known}.`);
  }
  if (!isSizes(shape)) {
    throw invalid(`${tensor} has shape ${show(shape)}, wanted whole numbers from 0. ${RESAVE}`);
  }
  const size = sizeInBytes(shape, BITS[dtype]);
  if (size === undefined) {
    throw invalid(`${tensor} has shape ${show(shape)}: too many elements. ${RESAVE}`);
  }
  if (!isSizes(offsets) || offsets.length !== 2) {
    throw invalid(
      `${tensor} has data_offsets ${show(offsets)}, wanted two whole numbers from 0. ${RESAVE}`,
    );
  }
  const [begin = 0, end = 0] = offsets;
  if (begin > end) {
    throw invalid(
      `${tensor} has data_offsets ${show(offsets)}: it ends before it begins. ${RESAVE}`,
    );
  }
  if (end - begin !== size) {
    throw invalid(
      `${tensor} has ${count(end - begin)}, wanted ${size} for ${dtype} ${show(shape)}. ${RESAVE}`,
    );
  }
  return {
    name,
    dtype,
    shape,
    file,
    start: dataStart + begin,
    end: dataStart + end,
  };
}

/** Sorted tensors must cover the data without gap or overlap, as the format demands. */
function checkCover(entries: readonly TensorEntry[], dataStart: number, label: string): void {
  let covered = dataStart;
  let previous = 'the header';
  for (const { name, start, end } of entries) {
    const tensor = show(name);
    if (start < covered) {
      throw invalid(`Tensors ${previous} and ${tensor} of ${label} overlap. ${RESAVE}`);
    }
    if (start > covered) {
      throw invalid(
        `${label} has ${count(start - covered)} without a tensor between ${previous} and ` +
          `${tensor}. ${RESAVE}`,
      );
    }
    covered = end;
    previous = tensor;
  }
}

/** A list of whole numbers from 0, all exact. */
function isSizes(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((each) => Number.isSafeInteger(each) && each >= 0);
}

function isDtype(name: string): name is StoredDtype {
  return Object.hasOwn(BITS, name);
}

/** Bytes of all elements; undefined when a product on the way is beyond exact numbers. */
function sizeInBytes(shape: readonly number[], bits: number): number | undefined {
  let product = bits;
  for (const side of shape) {
    product *= side;
    if (!Number.isSafeInteger(product)) return undefined;
  }
  return product / 8;
}

function count(bytes: number): string {
  return bytes === 1 ? '1 byte' : `${bytes} bytes`;
}

function invalid(message: string, cause?: unknown): TransformerError {
  return fileError('FILE_INVALID', message, cause);
}

function truncated(message: string): TransformerError {
  return fileError('FILE_TRUNCATED', message);
}

function fileError(code: ErrorCode, message: string, cause?: unknown): TransformerError {
  return new TransformerError(code, message, cause === undefined ? {} : { cause });
}
