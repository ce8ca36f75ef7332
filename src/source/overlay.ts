// A source in which some files are others.

import type { JsonObject } from './json.ts';
import type { Source } from './source.ts';

/** The source with these files in place of its own, or beside them. */
export function withFiles(
  source: Source,
  files: ReadonlyMap<string, Uint8Array>,
  name: string | undefined = source.name,
): Source {
  return {
    ...(name !== undefined && { name }),
    read: async (file, range, signal) =>
      files.get(file)?.subarray(range?.start, range?.end) ?? source.read(file, range, signal),
    size: async (file, signal) => files.get(file)?.length ?? source.size?.(file, signal),
    finish: async (file, signal) => (files.has(file) ? undefined : source.finish?.(file, signal)),
    discard: async (file) => (files.has(file ?? '') ? undefined : source.discard?.(file)),
    release: () => source.release?.(),
    list: async (signal) => {
      const listed = await source.list?.(signal);
      return listed && [...new Set([...listed, ...files.keys()])];
    },
    explain: (missing) => source.explain?.(missing),
  };
}

/** A file of JSON, on one line. */
export function jsonBytes(value: JsonObject): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(value));
}
