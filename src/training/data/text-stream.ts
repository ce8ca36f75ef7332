// Texts piece by piece: of files, of what a server sends, and of streams.

import { fieldOf, hasMethod, isA, throwIfAborted, TransformerError } from '../../runtime/errors.ts';
import type { Platform } from '../../runtime/platform-types.ts';
import { messageOf, show } from '../../runtime/print.ts';
import { fileAt, type FileInput, isFileInput, nameOf, readBytes } from '../../source/read-bytes.ts';
import { fileSize, notFound, readRange } from '../../source/source.ts';

type Piece = Uint8Array | string;
type Pieces = AsyncGenerator<Piece, void, undefined>;

/** What is read piece by piece: a file, what `fetch` resolves with, or a stream of bytes or of texts. */
export type StreamInput = FileInput | Platform<'Response'> | Platform<'ReadableStream'>;

/** Bytes of a file that are read at once. */
const pieceSize = 2 ** 20;

export function isStreamInput(input: unknown): input is StreamInput {
  return isFileInput(input) || isResponse(input) || isStream(input);
}

/** What messages call it. */
export function streamName(input: StreamInput): string {
  if (isResponse(input)) return input.url === '' ? 'The response' : input.url;
  return isFileInput(input) ? nameOf(input) : 'The stream';
}

/** Texts in UTF-8, as their bytes come. `name` is for messages. Errors: FILE_INVALID. */
export async function* decodedPieces(
  given: AsyncIterable<Piece> | Iterable<Piece>,
  name: string,
): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const decoded = (bytes?: Uint8Array): string => {
    try {
      return decoder.decode(bytes, { stream: bytes !== undefined });
    } catch (cause) {
      const message = `${name} is no text in UTF-8. Save it as UTF-8.`;
      throw new TransformerError('FILE_INVALID', message, { cause });
    }
  };
  for await (const piece of given) yield typeof piece === 'string' ? piece : decoded(piece);
  yield decoded();
}

/** What it holds, in pieces. Errors: FILE_*, INPUT_INVALID for streams that another reads, ABORTED. */
export async function* streamPieces(input: StreamInput, signal: AbortSignal | undefined): Pieces {
  const name = streamName(input);
  throwIfAborted(signal);
  if (isResponse(input)) yield* responsePieces(input, name, signal);
  else if (isStream(input)) yield* piecesOf(input, name, signal);
  else if (hasMethod(input, 'stream')) {
    yield* piecesOf((input as Blob).stream(), name, signal);
  } else if (typeof input === 'string' || isA(input, URL)) {
    yield* addressPieces(String(input), signal);
  } else if (isFileInput(input)) yield await readBytes(input, signal);
}

async function* addressPieces(address: string, signal: AbortSignal | undefined): Pieces {
  if (/^(data|blob|https?):/i.test(address)) {
    const response = await fetched(address, signal);
    yield* responsePieces(response, address, signal);
    return;
  }
  const { source, file } = fileAt(address);
  const size = await fileSize(source, file, signal);
  if (size === undefined) throw notFound(source, [file], 'Check the path or address.');
  for (let start = 0; start < size; start += pieceSize) {
    throwIfAborted(signal);
    yield await readRange(source, file, { start, end: Math.min(size, start + pieceSize) }, signal);
  }
}

async function fetched(address: string, signal: AbortSignal | undefined): Promise<Response> {
  try {
    return await fetch(address, signal ? { signal } : {});
  } catch (cause) {
    throwIfAborted(signal);
    throw unreadable(address, messageOf(cause), cause);
  }
}

async function* responsePieces(
  response: Response,
  name: string,
  signal: AbortSignal | undefined,
): Pieces {
  const { ok, status, body } = response;
  if (!ok) {
    throw new TransformerError(
      status === 404 ? 'FILE_NOT_FOUND' : 'FILE_UNREADABLE',
      `${name} was answered with status ${status}. Check the address.`,
    );
  }
  if (body !== null) yield* piecesOf(body, name, signal);
}

/** A stream that is left early is cancelled. */
async function* piecesOf(
  stream: ReadableStream<unknown>,
  name: string,
  signal: AbortSignal | undefined,
): Pieces {
  if (stream.locked) {
    throw new TransformerError(
      'INPUT_INVALID',
      `${name} is being read already, or was. Open it anew for each reader.`,
    );
  }
  const reader = stream.getReader();
  try {
    for (;;) {
      throwIfAborted(signal);
      const { done, value } = await reader.read().catch((cause: unknown) => {
        throwIfAborted(signal);
        throw unreadable(name, messageOf(cause), cause);
      });
      if (done) return;
      if (typeof value === 'string' || value instanceof Uint8Array) yield value;
      else {
        throw new TransformerError(
          'INPUT_INVALID',
          `${name} gives ${show(value)}; wanted bytes (Uint8Array) or texts.`,
        );
      }
    }
  } finally {
    await reader.cancel().catch(() => {});
    reader.releaseLock();
  }
}

function unreadable(name: string, reason: string, cause: unknown): TransformerError {
  const message = `${name} could not be read: ${reason}. Open it anew.`;
  return new TransformerError('FILE_UNREADABLE', message, { cause });
}

function isResponse(input: unknown): input is Response {
  return hasMethod(input, 'arrayBuffer') && typeof fieldOf(input, 'status') === 'number';
}

function isStream(input: unknown): input is ReadableStream<unknown> {
  return hasMethod(input, 'getReader');
}
