// What all functions over shards take.

import { fieldsOf, hasMethod, isA, refuseUnknown, TransformerError } from '../runtime/errors.ts';
import { show } from '../runtime/print.ts';
import { halves, type Halved } from '../tasks/halves.ts';
import { checkOptions } from '../tasks/task.ts';
import type { RecordFormat } from '../training/data/records.ts';

/** How results are written. */
export type ShardFormat = 'jsonl' | 'parquet' | 'safetensors';

/** How far a shard is. */
export interface ShardProgress {
  /** Rows whose results are there. */
  readonly rows: number;
}

/** What became of a shard. */
export interface ShardResult {
  /** The path of the output. */
  readonly path: string;
  /** `kept`: it was there before, and nothing was computed. */
  readonly status: 'written' | 'kept';
  /** Rows that were written; of a kept output nobody counts them. */
  readonly rows?: number;
}

/** How a shard is read and its results are written. */
export interface ShardOptions {
  /**
   * Which model the pipeline holds, such as `owner/name@revision`, dtype and adapters included: it is part of what the
   * output is named after, so that no results of another model are taken for these.
   */
  modelId: string;
  /** The column that is read; `text` when absent, of sounds `audio`. */
  column?: string;
  /** The column that names a row in the output; its number, from 0 on, when absent. */
  id?: string;
  /** What the shard holds; by the end of its name when absent. */
  inputFormat?: RecordFormat;
  /** How results are written; `jsonl` when absent. Parquet is written by the package `hyparquet-writer`. */
  format?: 'jsonl' | 'parquet';
  /** Tokens of a batch at most, padding included, and new ones where texts are generated; 8192 when absent. */
  batchTokens?: number;
  /** Rows that are sorted by length together; 4096 when absent. */
  window?: number;
  /** Leaves a finished output of the same shard, model and options as it is, which is refused otherwise. */
  resume?: boolean;
  /** Cancels the call, which then rejects with `ABORTED` and leaves no output. */
  signal?: AbortSignal;
  /** Called after each batch: a sign of life for who lent the shard out. */
  onProgress?: (progress: ShardProgress) => void;
}

/** What to do with texts of more tokens than the model reads. */
export interface TooLong {
  /** `refuse` them by their row (the default), or `truncate` them, as the pipeline does. */
  tooLong?: 'refuse' | 'truncate';
}

/** The options of a pipeline that are data: `signal` and what reports stand beside them. */
export type ShardPipelineOptions<Options> = Omit<Options, 'signal' | 'truncation'>;

/** The same, with what is left out filled in. */
export interface ShardSettings {
  readonly name: string;
  readonly modelId: string;
  readonly column: string;
  readonly id: string | undefined;
  readonly inputFormat: RecordFormat | undefined;
  readonly format: ShardFormat;
  readonly batchTokens: number;
  readonly window: number;
  readonly resume: boolean;
  readonly truncates: boolean;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((progress: ShardProgress) => void) | undefined;
}

interface Own {
  /** The function, for messages. */
  readonly name: string;
  readonly formats: readonly ShardFormat[];
  readonly column: string;
  /** Names of options that it alone has. */
  readonly more: readonly string[];
}

/** Errors: OPTION_*, INPUT_INVALID. */
export function shardSettings(given: unknown, own: Own): ShardSettings {
  const options = Object.fromEntries(fieldsOf(given, `The object of options of ${own.name}`));
  const { onProgress, inputFormat, modelId, ...rest } = options;
  const kinds = {
    column: 'text',
    id: 'text',
    format: own.formats,
    batchTokens: 'count',
    window: 'count',
    resume: 'boolean',
    tooLong: ['refuse', 'truncate'],
    signal: 'signal',
  } as const;
  const all = Object.keys(kinds).filter((one) => one !== 'tooLong');
  refuseUnknown(
    options,
    [...all, 'onProgress', 'inputFormat', 'modelId', ...own.more],
    `option of ${own.name}`,
  );
  const checked = Object.keys(kinds).map((one) => [one, rest[one]]);
  checkOptions(own.name, Object.fromEntries(checked) as Record<keyof typeof kinds, unknown>, kinds);
  if (typeof modelId !== 'string' || modelId === '') {
    throw new TransformerError(
      'OPTION_INVALID',
      `modelId is ${modelId === undefined ? 'missing' : show(modelId)}; wanted which model that is, such as ` +
        '"owner/name@revision": outputs are named after it.',
    );
  }
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw new TransformerError(
      'OPTION_INVALID',
      `onProgress is ${show(onProgress)}; wanted a function of { rows }.`,
    );
  }
  const { format = 'jsonl', batchTokens = 8192, window = 4096, resume = false } = rest;
  const { column = own.column, id, tooLong, signal } = rest;
  return {
    name: own.name,
    modelId,
    format,
    batchTokens,
    window,
    resume,
    column,
    id,
    signal,
    truncates: tooLong === 'truncate',
    inputFormat: inputFormat as RecordFormat | undefined,
    onProgress: onProgress as ShardSettings['onProgress'],
  } as ShardSettings;
}

/** The options of the pipeline as plain fields, without those that others take the place of. Errors: OPTION_*. */
export function pipelineFields(
  given: unknown,
  instead: Readonly<Record<string, string>>,
): Readonly<Record<string, unknown>> {
  const fields = fieldsOf(given === undefined ? {} : given, 'The object of pipelineOptions');
  const hints: Readonly<Record<string, string>> = {
    signal: 'Pass signal beside pipelineOptions.',
    ...instead,
  };
  for (const [name, value] of fields) {
    const hint = Object.hasOwn(hints, name) ? hints[name] : undefined;
    if (hint === undefined || value === undefined) continue;
    throw new TransformerError('OPTION_INVALID', `pipelineOptions.${name} is taken. ${hint}`);
  }
  return Object.fromEntries(fields);
}

/** Refuses a pipeline of another task, or none. Errors: INPUT_INVALID. */
export function checkPipeline(given: unknown, tasks: readonly string[]): void {
  const { task, model } =
    typeof given === 'function' ? (given as { task?: unknown; model?: unknown }) : {};
  const isHalved =
    typeof given === 'function' &&
    typeof (given as Partial<Halved<unknown, unknown, unknown, unknown>>)[halves] === 'function';
  if (isHalved && hasMethod(model, 'forward') && tasks.some((one) => one === task)) return;
  throw new TransformerError(
    'INPUT_INVALID',
    `The pipeline is ${show(typeof given === 'function' ? task : given)}; wanted what pipeline resolves with ` +
      `for ${tasks.join(' or ')}.`,
  );
}

/** Refuses what names no place. Errors: INPUT_INVALID. */
export function checkPlace(what: string, given: unknown): void {
  if (isA(given, URL) || (typeof given === 'string' && given.trim() !== '')) return;
  throw new TransformerError(
    'INPUT_INVALID',
    `${what} is ${given === undefined ? 'missing' : show(given)}; wanted a path or a URL.`,
  );
}
