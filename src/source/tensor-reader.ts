// Streams tensors out of their files in few reads and little memory: small neighbours share a
// read, large tensors come in pieces, and some reads run ahead while the last one is consumed.

import { throwIfAborted, TransformerError } from '../runtime/errors.ts';
import { show } from '../runtime/print.ts';
import type { TensorEntry } from './safetensors-header.ts';
import { type FileProgress, readRange, type Source } from './source.ts';

export interface ReadTensorsOptions {
  readonly signal?: AbortSignal | undefined;
  /** Per file: bytes of wanted tensors read so far, and their sum. First called with 0. */
  readonly onProgress?: ((progress: FileProgress) => void) | undefined;
  /** Bytes of one read at most, 8 or more; at most five reads are in memory. Default 4 MiB. */
  readonly chunkBytes?: number | undefined;
}

/** Bytes of a tensor from byte `offset` on; a view that need not be aligned. */
export interface TensorPiece {
  readonly entry: TensorEntry;
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** Bytes `start` to `end` of a file, and the tensor parts wanted from them. */
interface PlannedRead {
  readonly file: string;
  readonly start: number;
  end: number;
  readonly parts: { readonly entry: TensorEntry; readonly start: number; readonly end: number }[];
}

/** Unwanted bytes between two tensors which are cheaper to read than to jump over. */
const MAX_GAP = 64 * 1024;

/** Reads that run while another is consumed: over a network, each waits for its own answer. */
const AHEAD = 4;

/** Cuts fall on this many bytes from a tensor's start, so that no element is split. */
const CUT = 8;

/**
 * Reads tensors, file by file in the order given, in each file in the order of bytes. A tensor
 * larger than a chunk comes in several pieces, in order, cut at multiples of 8 bytes; an empty
 * tensor comes as one empty piece. Leaving the loop early stops the reads that run ahead.
 */
export async function* readTensors(
  source: Source,
  entries: Iterable<TensorEntry>,
  { signal, onProgress, chunkBytes = 4 * 1024 * 1024 }: ReadTensorsOptions = {},
): AsyncGenerator<TensorPiece, void, undefined> {
  if (!Number.isSafeInteger(chunkBytes) || chunkBytes < CUT) {
    throw new TransformerError(
      'OPTION_INVALID',
      `chunkBytes is ${show(chunkBytes)}. Pass a whole number of bytes, ${CUT} or more.`,
    );
  }
  throwIfAborted(signal);
  const progress = new Map<string, { loaded: number; total: number }>();
  const overall = { loaded: 0, total: 0 };
  const reads = planReads(entries, chunkBytes - (chunkBytes % CUT));
  for (const { file, parts } of reads) {
    const state = progress.get(file) ?? { loaded: 0, total: 0 };
    state.total += wantedBytes(parts);
    overall.total += wantedBytes(parts);
    progress.set(file, state);
  }
  const tell = (file: string, state: { loaded: number; total: number }): void =>
    onProgress?.({ file, ...state, overall: { ...overall } });
  for (const [file, state] of progress) tell(file, state);

  const leaving = new AbortController();
  const either = signal === undefined ? leaving.signal : AbortSignal.any([signal, leaving.signal]);
  const begin = (read: PlannedRead | undefined): Promise<Uint8Array> | undefined => {
    const bytes = read && readPlanned(source, read, either);
    // It may fail while nobody waits for it yet; the await below still gets the error.
    bytes?.catch(() => undefined);
    return bytes;
  };
  try {
    const running = reads.slice(0, AHEAD).map(begin);
    for (const [i, { file, start, parts }] of reads.entries()) {
      const bytes = (await running.shift()) ?? new Uint8Array(0);
      running.push(begin(reads[i + AHEAD]));
      const state = progress.get(file) ?? { loaded: 0, total: 0 };
      state.loaded += wantedBytes(parts);
      overall.loaded += wantedBytes(parts);
      tell(file, state);
      for (const { entry, start: from, end } of parts) {
        throwIfAborted(signal);
        const piece = bytes.subarray(from - start, end - start);
        yield { entry, offset: from - entry.start, bytes: piece };
      }
    }
    for (const file of progress.keys()) await source.finish?.(file, either);
  } finally {
    leaving.abort();
  }
}

async function readPlanned(
  source: Source,
  { file, start, end }: PlannedRead,
  signal: AbortSignal,
): Promise<Uint8Array> {
  return start === end ? new Uint8Array(0) : readRange(source, file, { start, end }, signal);
}

/** Groups tensors by file and cuts each file's tensors into reads of at most `chunk` bytes. */
function planReads(entries: Iterable<TensorEntry>, chunk: number): PlannedRead[] {
  const byFile = new Map<string, TensorEntry[]>();
  for (const entry of new Set(entries)) {
    const group = byFile.get(entry.file);
    if (group === undefined) byFile.set(entry.file, [entry]);
    else group.push(entry);
  }
  const reads: PlannedRead[] = [];
  for (const [file, group] of byFile) {
    group.sort((a, b) => a.start - b.start || a.end - b.end);
    let read: PlannedRead | undefined;
    for (const entry of group) {
      const joins =
        read !== undefined && entry.start - read.end <= MAX_GAP && entry.end - read.start <= chunk;
      if (read !== undefined && joins) {
        read.end = entry.end;
        read.parts.push({ entry, start: entry.start, end: entry.end });
        continue;
      }
      // The last piece of a tensor stays open for its neighbours.
      let start = entry.start;
      do {
        const end = Math.min(start + chunk, entry.end);
        read = { file, start, end, parts: [{ entry, start, end }] };
        reads.push(read);
        start = end;
      } while (start < entry.end);
    }
  }
  return reads;
}

function wantedBytes(parts: PlannedRead['parts']): number {
  return parts.reduce((sum, { start, end }) => sum + end - start, 0);
}
