// Which files are shards: as they are named, those of folders, and those that fit a pattern.

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { listFiles } from '../../node/list-files.ts';
import { UsageError } from '../options.ts';
import { isAddress } from './shard-job.ts';

/** What functions over shards read, by the ends of names. */
const shardEnds = /\.(jsonl|ndjson|json|csv|tsv|txt|parquet)$/i;

/**
 * The shards that some arguments name, in the order of their names within each: files and addresses as they are, all
 * shards in a folder and those in it, and files that fit a pattern with `*`, `**` and `?`. @throws UsageError for none
 */
export async function shardFiles(given: readonly string[]): Promise<string[]> {
  const found = await Promise.all(given.map(filesOf));
  return [...new Set(found.flat())];
}

async function filesOf(argument: string): Promise<readonly string[]> {
  if (isAddress(argument)) return [argument];
  const kind = await stat(argument).catch(() => undefined);
  if (kind?.isFile() === true) return [argument];
  const files =
    kind?.isDirectory() === true
      ? await below(argument, (name) => shardEnds.test(name))
      : await fitting(argument);
  if (files.length > 0) return files;
  throw new UsageError(
    `There is no shard at "${argument}". Pass files, folders with .jsonl, .csv, .tsv, .txt, .json or .parquet, ` +
      'patterns such as "texts/*.jsonl", or addresses.',
  );
}

async function below(folder: string, fits: (name: string) => boolean): Promise<string[]> {
  const files = await listFiles(folder);
  return files
    .map(({ path }) => path)
    .filter(fits)
    .toSorted()
    .map((path) => join(folder, path));
}

async function fitting(pattern: string): Promise<readonly string[]> {
  const [, folder = '', rest = ''] = /^([^*?]*[\\/])?([^]*)$/.exec(pattern) ?? [];
  if (!/[*?]/.test(rest)) return [];
  const place = folder === '' ? '.' : folder;
  if ((await stat(place).catch(() => undefined))?.isDirectory() !== true) return [];
  const expression = new RegExp(`^${expressionOf(rest)}$`);
  return below(place, (name) => expression.test(name));
}

function expressionOf(pattern: string): string {
  const meanings: Readonly<Record<string, string>> = {
    '**/': '(.*/)?',
    '**': '.*',
    '*': '[^/]*',
    '?': '[^/]',
  };
  const parts = pattern.replaceAll('\\', '/').split(/(\*\*\/|\*\*|\*|\?)/);
  return parts
    .map((part) => meanings[part] ?? part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`))
    .join('');
}
