// How a server is started: the options of the command.

import type { HandlerOptions, ServedTask } from '../../serve/index.ts';
import type { WeightFormatName } from '../../model/weights/asked-formats.ts';
import {
  choiceOption,
  dtypeOption,
  type FlagOption,
  flagOption,
  type ListOption,
  listOption,
  readOptions,
  taskOptions,
  type TextOption,
  textOption,
  UsageError,
  wholeOption,
} from '../options.ts';
import { type NamedSource, namedSource, servedTasks } from './served-models.ts';

/** Keys, with commas between them, for those who keep them off the list of processes. */
const variable = 'WEBGPU_TRANSFORMER_API_KEY';

type ServeOptions = Readonly<
  Record<
    | 'port'
    | 'host'
    | 'max-tokens'
    | 'max-sequences'
    | 'max-waiting'
    | 'timeout'
    | 'grace'
    | 'dtype',
    TextOption
  > &
    Record<'api-key' | 'cors' | 'task', ListOption> &
    Record<'log-prompts' | 'quiet', FlagOption>
>;

export const serveOptions: ServeOptions = {
  port: textOption('N', 'the port to listen at; 0 for any that is free (8000)'),
  host: textOption('HOST', 'the address to listen at; 0.0.0.0 for all (127.0.0.1)'),
  'api-key': listOption('KEY', `a key that requests must bring; also ${variable}`),
  cors: listOption('ORIGIN', 'an origin whose pages may ask; * for all (none)'),
  task: listOption(
    'NAME=TASK',
    `what a model is for, where its files do not tell: ${servedTasks.join(', ')}`,
  ),
  'max-tokens': textOption('N', 'new tokens of an answer at most (4096)'),
  'max-sequences': textOption('N', 'answers of a model that are written at once at most (16)'),
  'max-waiting': textOption('N', 'requests that may wait before others are refused (64)'),
  timeout: textOption('S', 'seconds that a request may take, its wait included (600)'),
  grace: textOption('S', 'seconds that answers may still take once the server is to end (30)'),
  'log-prompts': flagOption('log what is asked, too'),
  dtype: taskOptions.dtype,
  quiet: flagOption('print no progress, and no log'),
};

/** A model that is to be served. */
export interface NamedModel extends NamedSource {
  /** As its files tell when absent. */
  readonly task: ServedTask | undefined;
}

/** How a server is started. */
export interface ServeSettings {
  readonly models: readonly NamedModel[];
  readonly port: number;
  readonly host: string;
  readonly handler: Omit<HandlerOptions, 'models' | 'log'>;
  /** Milliseconds. */
  readonly grace: number;
  readonly dtype: WeightFormatName | undefined;
  readonly quiet: boolean;
}

/** @throws UsageError */
export function serveSettings(args: readonly string[]): ServeSettings {
  const { values, positionals } = readOptions(args, serveOptions);
  const { host = '127.0.0.1', dtype, quiet, cors: origins = [] } = values;
  const tokens = wholeOption('--max-tokens', values['max-tokens'], 1);
  const sequences = wholeOption('--max-sequences', values['max-sequences'], 1);
  const waiting = wholeOption('--max-waiting', values['max-waiting']);
  const seconds = wholeOption('--timeout', values.timeout, 1);
  const port = wholeOption('--port', values.port) ?? 8000;
  if (port > 65_535) throw new UsageError(`--port is "${port}"; wanted 0 to 65535.`);
  return {
    models: modelsOf(positionals, values.task ?? []),
    port,
    host,
    handler: {
      apiKeys: keysOf(values['api-key'] ?? []),
      cors: origins.includes('*') ? '*' : origins,
      limits: {
        ...(tokens !== undefined && { tokens }),
        ...(sequences !== undefined && { sequences }),
        ...(waiting !== undefined && { waiting }),
        ...(seconds !== undefined && { time: 1000 * seconds }),
      },
      logPrompts: values['log-prompts'],
    },
    grace: 1000 * (wholeOption('--grace', values.grace) ?? 30),
    dtype: dtypeOption(dtype),
    quiet,
  };
}

function keysOf(given: readonly string[]): string[] {
  const listed = (process.env[variable] ?? '').split(',');
  return [...given, ...listed.map((key) => key.trim()).filter((key) => key !== '')];
}

function modelsOf(positionals: readonly string[], tasks: readonly string[]): NamedModel[] {
  const sources = positionals.map(namedSource);
  const names = sources.map(({ name }) => name);
  if (sources.length === 0) {
    throw new UsageError('No model is named. Pass folders, URLs or hf:owner/name: serve MODEL…');
  }
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new UsageError(`Two models are called "${twice}". Pass NAME=MODEL to tell them apart.`);
  }
  const wanted = new Map(
    tasks.map((text): [string, ServedTask | undefined] => {
      const at = text.lastIndexOf('=');
      const name = text.slice(0, at);
      if (!names.includes(name)) {
        throw new UsageError(
          `--task is "${text}"; wanted NAME=TASK with a name of ${names.join(', ')}.`,
        );
      }
      return [name, choiceOption('--task', text.slice(at + 1), servedTasks)];
    }),
  );
  return sources.map((one) => ({ ...one, task: wanted.get(one.name) }));
}
