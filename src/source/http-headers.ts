// What an HTTP answer says about a file.

import { messageOf, show } from '../runtime/print.ts';
import type { FileFacts, FileRange } from './source.ts';

/** Statuses that go away by themselves. */
export const PASSING: readonly number[] = [408, 425, 429, 500, 502, 503, 504];

/** Milliseconds that `Retry-After` asks for, as seconds or as a date; undefined when it does not. */
export function retryAfter({ headers }: Response): number | undefined {
  const value = headers.get('Retry-After');
  if (value === null) return undefined;
  const wait = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(wait) ? undefined : Math.max(wait, 0);
}

/** The total in Content-Range, the number behind the slash; undefined when hidden, unknown or nonsense. */
export function totalOf({ headers }: Response): number | undefined {
  const told = headers.get('Content-Range') ?? '';
  return readRange(told)?.total ?? wholeNumber(/^bytes \*\/(\d+)$/.exec(told)?.[1]);
}

/**
 * The bytes that an answer with a part of a file says it has; undefined where its headers are hidden, as
 * servers of another origin may do. Throws an error that says what is wrong with it.
 */
export function partOf({ headers }: Response): FileRange | undefined {
  const encoding = headers.get('Content-Encoding') ?? 'identity';
  // Its bytes are those of the compressed file, and none of ours.
  if (encoding !== 'identity') throw new Error(`sent a part compressed with ${encoding}`);
  if (/^multipart\//i.test(headers.get('Content-Type') ?? ''))
    throw new Error('sent several parts');
  const told = headers.get('Content-Range');
  if (told === null) return undefined;
  const range = readRange(told);
  if (range === undefined) throw new Error(`sent the Content-Range ${show(told)}`);
  return range;
}

/** A Content-Range that makes sense; `total` is undefined when the server does not know it. */
function readRange(told: string): (FileRange & { total: number | undefined }) | undefined {
  const [, first, last, all] = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(told) ?? [];
  const [start, end, total] = [first, last, all].map(wholeNumber);
  if (start === undefined || end === undefined || start > end) return undefined;
  const fits = all === '*' || (total !== undefined && end < total);
  return fits ? { start, end: end + 1, total } : undefined;
}

/** Bytes of a whole body, where what is announced is known to be what arrives. */
export function lengthOf({ headers, type }: Response): number | undefined {
  // Compressed bodies announce their compressed length; other origins may hide that they are.
  if (type === 'cors' || headers.has('Content-Encoding')) return undefined;
  const length = headers.get('Content-Length');
  return wholeNumber(length);
}

/** Bytes of the file as the answer to a question without body tells them; undefined when hidden. */
export function sizeOf(response: Response): number | undefined {
  const { headers, status } = response;
  const plain = status === 200 && !headers.has('Content-Encoding');
  const length = plain ? headers.get('Content-Length') : null;
  return wholeNumber(length) ?? totalOf(response);
}

/**
 * Which file an answer holds. Compressed forms of a file have the tag of the file with a mark.
 * Hugging Face tags a large file with the SHA-256 of its bytes; where it redirects to other servers,
 * their tags may be something else of that form.
 */
export function factsOf(response: Response): FileFacts {
  const { headers, redirected } = response;
  const plain = (tag: string | null): string | undefined =>
    tag
      ?.replace(/^W\//, '')
      .replaceAll('"', '')
      .replace(/-(gzip|br|zstd)$/, '');
  const tag = plain(headers.get('ETag'));
  const hash = plain(headers.get('X-Linked-Etag')) ?? (redirected ? undefined : tag);
  const sha256 = hash !== undefined && /^[\da-f]{64}$/.test(hash) ? hash : undefined;
  return {
    size: totalOf(response),
    version: tag ?? headers.get('Last-Modified') ?? undefined,
    sha256,
  };
}

/** What is known of a file after one more answer, or in what the two differ. */
export function compareFacts(
  known: FileFacts,
  told: FileFacts,
): { readonly facts: FileFacts; readonly change?: string } {
  const { size = known.size, version = known.version, sha256 = known.sha256 } = told;
  const facts = { size, version, sha256 };
  const { size: oldSize = size, version: oldVersion = version } = known;
  if (size === oldSize && version === oldVersion) return { facts };
  const grew = `${oldSize} bytes became ${size}`;
  return {
    facts,
    change: size === oldSize ? `version ${show(oldVersion)} became ${show(version)}` : grew,
  };
}

function wholeNumber(digits: string | null | undefined): number | undefined {
  const value = /^\d+$/.test(digits ?? '') ? Number(digits) : undefined;
  return Number.isSafeInteger(value) ? value : undefined;
}

/** What made a fetch fail; Node hides the reason in `cause`. */
export function reasonOf(error: unknown): string {
  const { cause } = error instanceof Error ? error : {};
  return messageOf(error) + (cause instanceof Error ? ` (${messageOf(cause)})` : '');
}
