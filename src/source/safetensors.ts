// A checkpoint in safetensors: one file, or shards listed by an index. Opening it reads headers
// only; the weights are then streamed by `readTensors`.

import { TransformerError } from '../runtime/errors.ts';
import { isObject, show } from './json.ts';
import { readHeader, type TensorEntry } from './safetensors-header.ts';
import { describeFile, notFound, readJson, type Source } from './source.ts';
import { trusting } from './trust.ts';

export { type StoredDtype, storedBytes, type TensorEntry } from './safetensors-header.ts';
export { readTensors, type ReadTensorsOptions, type TensorPiece } from './tensor-reader.ts';

const SINGLE = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';

/**
 * Finds the tensors of `model.safetensors`, else of the shards in `model.safetensors.index.json`.
 * Errors: `FILE_NOT_FOUND`, `FILE_UNREADABLE`, `FILE_INVALID`, `FILE_TRUNCATED`, `TENSOR_MISSING`
 * (listed in the index, absent in its shard).
 * @returns every tensor by name, also those no index lists
 */
export async function openSafetensors(
  source: Source,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<Map<string, TensorEntry>> {
  const entries = await readHeader(source, SINGLE, signal);
  if (entries !== undefined) return new Map(entries.map((entry) => [entry.name, entry]));
  const index = await readJson(source, INDEX, { signal });
  if (index === undefined) throw await noCheckpoint(source, signal);
  return trusting(source, INDEX, () => openShards(source, index, signal));
}

/** Finds the tensors of one file, whatever its name. Errors as `openSafetensors`. */
export async function openSafetensorsFile(
  source: Source,
  file: string,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<Map<string, TensorEntry>> {
  const entries = await readHeader(source, file, signal);
  if (entries === undefined) throw notFound(source, [file]);
  return new Map(entries.map((entry) => [entry.name, entry]));
}

/** Reads the header of each shard once and compares it with the index. */
async function openShards(
  source: Source,
  index: unknown,
  signal: AbortSignal | undefined,
): Promise<Map<string, TensorEntry>> {
  const label = describeFile(source, INDEX);
  const shardOf = weightMap(index, label);
  const tensors = new Map<string, TensorEntry>();
  for (const shard of new Set(shardOf.values())) {
    const entries = await readHeader(source, shard, signal);
    if (entries === undefined) {
      throw notFound(source, [shard], `${INDEX} lists it. Download the missing shard.`);
    }
    for (const entry of entries) {
      const first = tensors.get(entry.name);
      if (first !== undefined) {
        throw new TransformerError(
          'FILE_INVALID',
          `Tensor ${show(entry.name)} is in two shards, ${first.file} and ${shard}. ` +
            'Download the shards again; they may be of two versions.',
        );
      }
      tensors.set(entry.name, entry);
    }
  }
  for (const [name, shard] of shardOf) {
    const found = tensors.get(name)?.file;
    if (found === shard) continue;
    const where = found === undefined ? 'does not hold it' : `does not hold it, but ${found} does`;
    throw new TransformerError(
      'TENSOR_MISSING',
      `${label} says that tensor ${show(name)} is in ${shard}, which ${where}. ` +
        'Download index and shards again; they may be of two versions.',
    );
  }
  return tensors;
}

/** The index's shard of each tensor. */
function weightMap(index: unknown, label: string): Map<string, string> {
  const map = isObject(index) ? index['weight_map'] : undefined;
  if (!isObject(map)) {
    throw new TransformerError(
      'FILE_INVALID',
      `${label} has weight_map ${show(map)}, wanted file names by tensor. Download it again.`,
    );
  }
  const shardOf = new Map<string, string>();
  for (const [name, file] of Object.entries(map)) {
    if (typeof file !== 'string') {
      throw new TransformerError(
        'FILE_INVALID',
        `${label} gives tensor ${show(name)} the file ${show(file)}, wanted a file name. ` +
          'Download it again.',
      );
    }
    shardOf.set(name, file);
  }
  return shardOf;
}

/** The error when neither file is there, with the way out where other files are. */
async function noCheckpoint(
  source: Source,
  signal: AbortSignal | undefined,
): Promise<TransformerError> {
  const { otherFormat } = await import('./other-formats.ts');
  return notFound(source, [SINGLE, INDEX], await otherFormat(source, signal));
}
