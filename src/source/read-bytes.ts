// The bytes of a file that is no model's: a sound, a picture.

import { fieldOf, hasMethod, isA, throwIfAborted, TransformerError } from '../runtime/errors.ts';
import type { Platform } from '../runtime/platform-types.ts';
import { messageOf, show } from '../runtime/print.ts';
import { splitAddress } from './file-address.ts';
import { openSource } from './open-source.ts';
import { notFound, readFile, type Source } from './source.ts';

/** A file as people have it: a path (Node), a URL, a `Blob` or `File`, or its bytes. */
export type FileInput = string | URL | Platform<'Blob'> | ArrayBuffer | Uint8Array;

/** Whether a value is something that `readBytes` reads. */
export function isFileInput(input: unknown): input is FileInput {
  if (typeof input === 'string' || isA(input, URL)) return true;
  return isBlob(input) || isA(input, ArrayBuffer) || isA(input, Uint8Array);
}

/**
 * The whole file; nothing is kept of it. Errors: FILE_NOT_FOUND, FILE_UNREADABLE, INPUT_INVALID for what names no
 * file, ABORTED.
 */
export async function readBytes(input: FileInput, signal?: AbortSignal): Promise<Uint8Array> {
  throwIfAborted(signal);
  if (isA(input, Uint8Array)) return input;
  if (isA(input, ArrayBuffer)) return new Uint8Array(input);
  if (isBlob(input)) return new Uint8Array(await contents(input));
  const name = String(input);
  if (/^(data|blob):/i.test(name)) return fetched(name, signal);
  const { source, file } = fileAt(name);
  const bytes = await readFile(source, file, { signal });
  if (bytes === undefined) throw notFound(source, [file], 'Check the path or address.');
  return bytes;
}

/** Where a path or an address leads. Errors: INPUT_INVALID for what names no file. */
export function fileAt(address: string): { readonly source: Source; readonly file: string } {
  const { folder, file } = splitAddress(address);
  if (file !== '') return { source: openSource(folder, { cache: false }), file };
  throw new TransformerError('INPUT_INVALID', `${show(address)} names no file. Pass its own path.`);
}

/** What messages call a file. */
export function nameOf(input: FileInput): string {
  if (typeof input === 'string' || isA(input, URL)) {
    const text = String(input);
    return text.startsWith('data:') ? 'The data: address' : text;
  }
  const name = fieldOf(input, 'name');
  return typeof name === 'string' ? name : 'The file';
}

function isBlob(input: unknown): input is Blob {
  return hasMethod(input, 'arrayBuffer') && typeof fieldOf(input, 'size') === 'number';
}

async function contents(blob: Blob): Promise<ArrayBuffer> {
  try {
    return await blob.arrayBuffer();
  } catch (cause) {
    const name = fieldOf(blob, 'name');
    throw unreadable(typeof name === 'string' ? name : 'The Blob', cause);
  }
}

/** What an address holds itself, or a page keeps for it. */
async function fetched(address: string, signal: AbortSignal | undefined): Promise<Uint8Array> {
  try {
    const response = await fetch(address, signal ? { signal } : {});
    return new Uint8Array(await response.arrayBuffer());
  } catch (cause) {
    throwIfAborted(signal);
    throw unreadable(show(address), cause);
  }
}

function unreadable(name: string, cause: unknown): TransformerError {
  const message = `${name} could not be read: ${messageOf(cause)}. Choose the file again.`;
  return new TransformerError('FILE_UNREADABLE', message, { cause });
}
