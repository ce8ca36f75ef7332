// Names of outputs: the shard's own, and what determines the result.

import { TransformerError } from '../runtime/errors.ts';
import { messageOf } from '../runtime/print.ts';
import { sha256 } from '../node/shard-files.ts';
import { streamPieces } from '../training/data/text-stream.ts';
import type { ShardSettings } from './options.ts';

/** Changes where the same input and options would give another result. */
const version = 1;

/** Digits of a hash in a name: of a million shards two are alike once in 500 such millions. */
const digits = 12;

/**
 * The shard's name without its ending, 12 digits of a hash, and the format: `part-7.0123456789ab.jsonl`. The hash is of
 * the shard's bytes, the model, the columns and what else determines the result. Errors: FILE_*, OPTION_INVALID.
 */
export async function outputName(
  input: string | URL,
  { name, modelId, column, id, inputFormat, format, truncates, signal }: ShardSettings,
  pipelineOptions: unknown,
): Promise<string> {
  const content = await sha256(streamPieces(input, signal));
  const what = { name, modelId, column, id, inputFormat, truncates, pipelineOptions };
  const hash = await sha256([plain({ version, content, what })]);
  return `${stem(String(input))}.${hash.slice(0, digits)}.${format}`;
}

function stem(address: string): string {
  const file = address.replace(/[?#].*$/, '').match(/[^\\/]*$/)?.[0] ?? '';
  return file
    .replace(/(.)\.\w+$/, '$1')
    .replaceAll(/[^\w.-]+/g, '_')
    .slice(0, 100);
}

/** JSON whose fields are in the order of their names. Errors: OPTION_INVALID for what is no data. */
function plain(given: object): string {
  try {
    return JSON.stringify(given, inOrder);
  } catch (cause) {
    throw new TransformerError(
      'OPTION_INVALID',
      `pipelineOptions are no plain data: ${messageOf(cause)}. Outputs are named after them: pass texts, numbers, ` +
        'lists and objects alone.',
      { cause },
    );
  }
}

/** A value as it stands, before any `toJSON` of its own. */
function inOrder(this: Readonly<Record<string, unknown>>, name: string): unknown {
  const value = this[name];
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (typeof value === 'function' || typeof value === 'symbol') {
    throw new TypeError(`${name} is a ${typeof value}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const kind = Object.prototype.toString.call(value).slice('[object '.length, -1);
  if (kind !== 'Object') throw new TypeError(`${name} is of class ${kind}`);
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
