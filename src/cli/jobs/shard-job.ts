// What a job says: which shard, what is to be done with it, and where its output goes. It names documents and never
// carries them. What comes out of a database was written by anybody who may write to it, so all of it is checked.

import { createHash } from 'node:crypto';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { TransformerError } from '../../index.node.ts';
import { fieldOf, fieldsOf, refuseUnknown } from '../../runtime/errors.ts';
import { show } from '../../runtime/print.ts';
import { type WeightFormatName, weightFormatNames } from '../../model/weights/asked-formats.ts';
import { checkFileName } from '../../source/source.ts';
import { isTableName } from './vector-table.ts';

/** What can be done with a shard, by the name of the pipeline. */
export const jobTasks = [
  'embeddings',
  'feature-extraction',
  'text-classification',
  'text-generation',
  'automatic-speech-recognition',
] as const;

export type JobTask = (typeof jobTasks)[number];

export interface ShardJob {
  readonly task: JobTask;
  /** `hf:owner/name@revision`, an address, or a folder below the root. */
  readonly model: string;
  /** An address, or a file below the root. */
  readonly input: string;
  /** A folder below the root. */
  readonly output: string;
  readonly dtype?: WeightFormatName;
  /** The folder of an adapter below the root. */
  readonly adapter?: string;
  /** The table that vectors go into besides. */
  readonly table?: string;
  /** Options of the function over shards. */
  readonly options?: Readonly<Record<string, unknown>>;
}

const fields: readonly string[] = [
  'task',
  'model',
  'input',
  'output',
  'dtype',
  'adapter',
  'table',
  'options',
] satisfies (keyof ShardJob)[];

/** Options of functions over shards that the worker gives. */
const taken: readonly string[] = ['modelId', 'resume', 'signal', 'onProgress'];

/** A job as it was found. Errors: INPUT_INVALID naming the field, OPTION_UNKNOWN. */
export function parseJob(given: unknown): ShardJob {
  const job = Object.fromEntries(fieldsOf(given, 'The job'));
  refuseUnknown(job, fields, 'field of a job');
  const { task, model, input, output, dtype, adapter, table, options = {} } = job;
  checkOneOf('task', task, jobTasks);
  if (dtype !== undefined) checkOneOf('dtype', dtype, weightFormatNames);
  checkModel(model);
  checkName('input', input, isAddress);
  checkName('output', output);
  if (adapter !== undefined) checkName('adapter', adapter);
  if (table !== undefined) checkTable(table, task, fieldOf(options, 'format'));
  for (const [name] of fieldsOf(options, 'The object of options of a job')) {
    if (taken.includes(name))
      throw wrong(`options.${name}`, 'is given', 'none: the worker gives it');
  }
  return job as unknown as ShardJob;
}

/** What tells a job from others: the same shard, model and options have the same id, in the form of a UUID. */
export function jobId(job: ShardJob): string {
  const hash = createHash('sha256').update(JSON.stringify(job, inOrder)).digest('hex');
  // RFC 9562, section 5.8: a version and a variant, all else is ours.
  const digits = `${hash.slice(0, 12)}8${hash.slice(13, 16)}8${hash.slice(17, 32)}`;
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** What outputs are named after: which model that is. */
export function modelIdOf({ model, dtype, adapter }: ShardJob): string {
  return [model, dtype, adapter && `adapter ${adapter}`].filter(Boolean).join(' ');
}

export function isAddress(name: string): boolean {
  return /^https?:\/\//i.test(name);
}

/** Where a name of a job leads on this machine. */
export function placeOf(root: string, name: string): string {
  return isAddress(name) || name.startsWith('hf:') ? name : join(resolve(root), name);
}

/** A path as jobs have it: from the root on. Errors: INPUT_INVALID for what does not lie below it. */
export function nameBelow(root: string, path: string): string {
  const name = relative(resolve(root), resolve(path)).split(sep).join('/');
  if (name === '') return '.';
  if (name !== '..' && !name.startsWith('../') && !isAbsolute(name)) return name;
  throw new TransformerError(
    'INPUT_INVALID',
    `${show(path)} does not lie below ${resolve(root)}. Pass --root with a folder that all files of the jobs lie below, ` +
      'here and where the workers run.',
  );
}

function checkModel(model: unknown): void {
  const isElsewhere = (name: string): boolean => /^hf:[^/]/.test(name) || isAddress(name);
  checkName('model', model, isElsewhere);
}

function checkName(
  field: string,
  name: unknown,
  isElsewhere: (name: string) => boolean = () => false,
): void {
  if (typeof name === 'string' && (isElsewhere(name) || name === '.')) return;
  try {
    checkFileName(String(name));
    if (typeof name === 'string' && !/^[a-z][a-z\d+.-]+:/i.test(name)) return;
  } catch {
    // Said below, in the words of jobs.
  }
  throw wrong(
    field,
    `is ${show(name)}`,
    'a name below the root of the worker, without "." and ".." parts',
  );
}

function checkTable(table: unknown, task: unknown, format: unknown): void {
  if (!isTableName(table)) {
    throw wrong(
      'table',
      `is ${show(table)}`,
      'a name of small letters, digits and _, such as documents',
    );
  }
  if (task !== 'embeddings' && task !== 'feature-extraction') {
    throw wrong(
      'table',
      'is given',
      'none: it is for vectors, of embeddings and feature-extraction',
    );
  }
  if (format === 'safetensors') {
    throw wrong('format', 'is safetensors', 'jsonl or parquet beside a table, which has ids');
  }
}

function checkOneOf(field: string, value: unknown, known: readonly string[]): void {
  if (known.includes(value as string)) return;
  throw wrong(field, `is ${value === undefined ? 'missing' : show(value)}`, known.join(' or '));
}

function wrong(field: string, what: string, wanted: string): TransformerError {
  return new TransformerError('INPUT_INVALID', `The job's ${field} ${what}; wanted ${wanted}.`);
}

/** Fields of objects by their names: in what order they were written makes no other job. */
function inOrder(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
