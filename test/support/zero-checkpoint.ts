// A checkpoint of zeros of any size, which is never in memory as a whole: for counting.

import type { Source } from 'webgpu-transformer';
import { rawFile } from './safetensors.ts';

/** The bytes of an element by its format's name in safetensors files. */
const sizes = { F32: 4, F16: 2, BF16: 2 } as const;

export type ZeroFormat = keyof typeof sizes;

export function zeroCheckpoint(
  config: Readonly<Record<string, unknown>>,
  shapes: Readonly<Record<string, readonly number[]>>,
  format: ZeroFormat,
): Source {
  let end = 0;
  const header: Record<string, unknown> = {};
  for (const [name, shape] of Object.entries(shapes)) {
    const start = end;
    end += shape.reduce((product, size) => product * size, sizes[format]);
    header[name] = { dtype: format, shape, data_offsets: [start, end] };
  }
  const begin = rawFile(header);
  const files: Readonly<Record<string, { readonly begin: Uint8Array; readonly size: number }>> = {
    'config.json': textFile(config),
    'model.safetensors': { begin, size: begin.length + end },
  };
  return {
    name: 'zeros',
    read: async (file, range) => {
      const found = files[file];
      if (found === undefined) return undefined;
      const { start, end: stop } = range ?? { start: 0, end: found.size };
      const bytes = new Uint8Array(Math.min(stop, found.size) - start);
      bytes.set(found.begin.subarray(start, stop));
      return bytes;
    },
    size: async (file) => files[file]?.size,
  };
}

function textFile(value: unknown): { begin: Uint8Array; size: number } {
  const begin = new TextEncoder().encode(JSON.stringify(value));
  return { begin, size: begin.length };
}
