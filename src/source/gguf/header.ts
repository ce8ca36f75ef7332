// The header of a GGUF file: metadata by keys, and where the tensors lie. The package `@huggingface/gguf` reads it,
// through ranges of whatever source the file is in; what it says is checked before a byte of data is read.

import { TransformerError } from '../../runtime/errors.ts';
import { messageOf, show } from '../../runtime/print.ts';
import { storedBytes } from '../safetensors-header.ts';
import { describeFile, fileSize, notFound, readAtMost, readRange, type Source } from '../source.ts';
import { Metadata } from './metadata.ts';
import { blockTypes, plainTypes } from './types.ts';

export interface GgufHeader {
  readonly metadata: Metadata;
  /** In the order of their bytes. */
  readonly tensors: readonly GgufTensor[];
}

export interface GgufTensor {
  readonly name: string;
  /** The number of its type, see types.ts. */
  readonly type: number;
  /** Rows first: ggml has it the other way round. */
  readonly shape: readonly number[];
  /** Its bytes in the file. */
  readonly start: number;
  readonly end: number;
}

const again = 'Download the file again.';

/** The most bytes that the package asks for at once. */
const chunkBytes = 2_000_000;

/**
 * Reads and checks the header of a file.
 * @throws TransformerError FILE_NOT_FOUND, FILE_INVALID, FILE_TRUNCATED, MODEL_UNSUPPORTED
 */
export async function readGgufHeader(
  source: Source,
  file: string,
  signal: AbortSignal | undefined,
): Promise<GgufHeader> {
  const label = describeFile(source, file);
  const magic = await readAtMost(source, file, { start: 0, end: 4 }, signal);
  if (magic === undefined) throw notFound(source, [file]);
  if (new TextDecoder().decode(magic) !== 'GGUF') {
    throw invalid(`${label} does not begin with "GGUF". ${again}`);
  }
  const size = await fileSize(source, file, signal);
  const { gguf, GGMLQuantizationType: names } = await import('@huggingface/gguf');
  let failure: unknown;
  const fetch: typeof globalThis.fetch = async (_, init) => {
    try {
      return await answer(source, file, { asked: init?.headers, size, label, signal });
    } catch (error) {
      failure = error;
      throw error;
    }
  };
  let parsed;
  try {
    parsed = await gguf('http://file/', { fetch });
  } catch (error) {
    if (failure !== undefined) throw failure;
    throw invalid(`The header of ${label} cannot be read: ${messageOf(error)}. ${again}`, error);
  }
  if (!parsed.littleEndian) {
    throw new TransformerError(
      'MODEL_UNSUPPORTED',
      `${label} has its numbers in big-endian order, which is not supported. Convert it to little-endian.`,
    );
  }
  const dataStart = Number(parsed.tensorDataOffset);
  const [, headerEnd] = parsed.tensorInfoByteRange;
  if (size !== undefined && headerEnd > size) throw truncated(label, size, headerEnd);
  const tensors = parsed.tensorInfos.map(({ name, shape, dtype, offset }): GgufTensor => {
    const what = `Tensor ${show(name)} of ${label}`;
    const sizes = shape.map(Number).toReversed();
    const start = dataStart + Number(offset);
    const bytes = bytesOf(what, dtype, sizes, names[dtype]);
    const tensor = { name, type: dtype, shape: sizes, start, end: start + bytes };
    if (Number.isSafeInteger(tensor.end)) return tensor;
    throw invalid(`${what} ends at byte ${tensor.end}, beyond any file. ${again}`);
  });
  tensors.sort((a, b) => a.start - b.start || a.end - b.end);
  checkPlaces(tensors, label);
  const end = tensors.at(-1)?.end ?? headerEnd;
  if (size !== undefined && end > size) throw truncated(label, size, end);
  if (size === undefined) await readRange(source, file, { start: end - 1, end }, signal);
  return { metadata: new Metadata(parsed.metadata, label), tensors };
}

/** The bytes that the package asks for as a server would send them. */
async function answer(
  source: Source,
  file: string,
  {
    asked,
    size,
    label,
    signal,
  }: {
    asked: unknown;
    size: number | undefined;
    label: string;
    signal: AbortSignal | undefined;
  },
): Promise<Response> {
  const { Range: range = '' } = asked as { Range?: string };
  const [, first = '0', last = '0'] = /^bytes=(\d+)-(\d+)$/.exec(range) ?? [];
  const [start, end] = [Number(first), Number(last) + 1];
  // It reads zeros behind the end of a file, and goes on: a header that is cut off would never end.
  if (size !== undefined && start >= size + chunkBytes) throw truncated(label, size, start);
  const bytes = await readAtMost(source, file, { start, end }, signal);
  return new Response(new Uint8Array(bytes ?? []), { status: 206 });
}

/** Bytes of a tensor. `name`: what its type is called. */
function bytesOf(
  what: string,
  type: number,
  shape: readonly number[],
  name: string | undefined,
): number {
  const count = shape.reduce((product, side) => product * side, 1);
  const stored = plainTypes[type];
  const block = blockTypes[type];
  if (stored !== undefined) return count * storedBytes(stored);
  if (block === undefined) {
    const known = Object.values(blockTypes).map((each) => each.name.toUpperCase());
    throw new TransformerError(
      'MODEL_UNSUPPORTED',
      `${what} is stored as ${name ?? `type ${type}`}; supported are F32, F16, BF16, ${known.join(', ')}. ` +
        'Take another file of the model.',
    );
  }
  if ((shape.at(-1) ?? 1) % block.elements !== 0) {
    throw invalid(
      `${what} has rows of ${shape.at(-1)}, which are no blocks of ${block.elements} (${name}). ${again}`,
    );
  }
  return (count / block.elements) * block.bytes;
}

/** Bytes between tensors at most: they begin at multiples of `general.alignment`, 32 as a rule. */
const mostPadding = 65_536;

/** Tensors have names of their own, and bytes of their own, one behind the other. */
function checkPlaces(tensors: readonly GgufTensor[], label: string): void {
  const names = new Set<string>();
  let [covered, previous] = [0, ''];
  for (const { name, start, end } of tensors) {
    if (names.has(name)) throw invalid(`${label} has tensor ${show(name)} twice. ${again}`);
    if (start < covered) {
      throw invalid(`Tensors ${show(previous)} and ${show(name)} of ${label} overlap. ${again}`);
    }
    if (covered > 0 && start - covered > mostPadding) {
      const between = `${show(previous)} and ${show(name)}`;
      throw invalid(
        `${label} has ${start - covered} bytes without a tensor between ${between}. ${again}`,
      );
    }
    names.add(name);
    [covered, previous] = [end, name];
  }
}

function truncated(label: string, size: number, wanted: number): TransformerError {
  return new TransformerError(
    'FILE_TRUNCATED',
    `${label} is cut off: its header calls for ${wanted} bytes or more, it has ${size}. ${again}`,
  );
}

function invalid(message: string, cause?: unknown): TransformerError {
  return new TransformerError('FILE_INVALID', message, cause === undefined ? {} : { cause });
}
