// webgpu-transformer jobs create: a job for each shard.

import { TransformerError } from '../../index.node.ts';
import { isObject } from '../../source/json.ts';
import type { Command } from '../command.ts';
import {
  choiceOption,
  defined,
  dtypeOption,
  flagOption,
  readOptions,
  taskOptions,
  textOption,
  UsageError,
  wholeOption,
} from '../options.ts';
import { queueDefaults, type QueueSettings } from './defaults.ts';
import { queueOptions, queuePlace, rootOption } from './settings.ts';
import {
  isAddress,
  type JobTask,
  jobTasks,
  nameBelow,
  parseJob,
  type ShardJob,
} from './shard-job.ts';
import { shardFiles } from './shard-files.ts';
import { ShardQueue } from './shard-queue.ts';

const formats = ['jsonl', 'parquet', 'safetensors'] as const;

const options = {
  task: textOption('TASK', `what to do with them: ${jobTasks.join(', ')}`),
  model: textOption(
    'MODEL',
    'with which model: a folder below the root, a URL or hf:owner/name@revision',
  ),
  out: textOption('DIR', 'the folder of the outputs, below the root'),
  column: textOption('NAME', 'the column that is read (text, of sounds audio)'),
  id: textOption('NAME', 'the column that names a row in the output (its number)'),
  format: textOption(formats.join(' | '), 'how results are written (jsonl)'),
  options: textOption('JSON', 'more options of the function over shards, such as pipelineOptions'),
  table: textOption('NAME', 'a table of pgvector that vectors go into besides'),
  dtype: taskOptions.dtype,
  adapter: taskOptions.adapter,
  root: rootOption,
  lease: textOption(
    'S',
    `seconds without a sign of life after which others get a shard (${queueDefaults.lease})`,
  ),
  retries: textOption('N', `how often a shard is tried again (${queueDefaults.retries})`),
  delay: textOption('S', `seconds before it is, doubled each time (${queueDefaults.delay})`),
  ...queueOptions,
  quiet: flagOption('print nothing'),
};

export const create: Command = {
  form: 'jobs create SHARD… --task TASK --model MODEL --out DIR',
  summary: 'a job for each shard of rows, for workers on any number of machines',
  details:
    'SHARD is a file, a folder, a pattern in quotes or a URL. A shard that was queued with the same model and options ' +
    'before is not queued again. --lease, --retries and --delay are those of the queue.',
  options,
  examples: [
    {
      call: 'jobs create texts --task embeddings --model hf:owner/name --out vectors',
    },
    {
      call: `jobs create "texts/*.csv" --task text-classification --model DIR --out labels --column review`,
    },
    {
      call: 'jobs create texts --task embeddings --model hf:owner/name --out vectors --table documents',
    },
  ],
  run,
};

async function run(args: readonly string[]): Promise<void> {
  const { values, positionals } = readOptions(args, options);
  const place = queuePlace(values);
  const settings = settingsOf(values);
  const job = jobOf(values);
  if (positionals.length === 0) {
    throw new UsageError(
      'No shard is named. Pass files, folders, patterns or URLs: jobs create SHARD…',
    );
  }
  const root = values.root ?? '.';
  const files = await shardFiles(positionals);
  const jobs = files.map((file) =>
    checked({ ...job, input: isAddress(file) ? file : nameBelow(root, file) }),
  );
  await using queue = await ShardQueue.open(place.queue, place.database);
  await queue.prepare(settings);
  if (job.table !== undefined) await queue.prepareVectors();
  const added = await queue.add(jobs);
  const known = jobs.length - added;
  if (values.json) console.log(JSON.stringify({ queue: queue.name, added, known }));
  else if (!values.quiet) {
    const were = known === 0 ? '' : `; ${known} were queued before`;
    console.log(`Queued ${added} of ${jobs.length} shards in "${queue.name}"${were}.`);
  }
}

type Values = ReturnType<typeof readOptions<typeof options>>['values'];

function settingsOf(values: Values): Partial<QueueSettings> {
  return defined({
    lease: wholeOption('--lease', values.lease, 10),
    retries: wholeOption('--retries', values.retries),
    delay: wholeOption('--delay', values.delay),
  });
}

/** What is the same for all shards. @throws UsageError */
function jobOf(values: Values): Omit<ShardJob, 'input'> {
  const { root = '.', adapter, column, id, table } = values;
  const task = choiceOption('--task', required('--task', values.task), jobTasks);
  const model = required('--model', values.model);
  const output = nameBelow(root, required('--out', values.out));
  const dtype = dtypeOption(values.dtype);
  const format = choiceOption('--format', values.format, formats);
  const isElsewhere = model.startsWith('hf:') || isAddress(model);
  const given = moreOptions(values.options);
  const all = { ...given, ...defined({ column, id, format }) };
  return {
    task: task as JobTask,
    model: isElsewhere ? model : nameBelow(root, model),
    output,
    ...(dtype && { dtype }),
    ...(adapter !== undefined && { adapter: nameBelow(root, adapter) }),
    ...defined({ table }),
    ...(Object.keys(all).length > 0 && { options: all }),
  };
}

function required(name: string, value: string | undefined): string {
  if (value !== undefined && value.trim() !== '') return value;
  throw new UsageError(
    `${name} is missing. Say jobs create SHARD… --task TASK --model MODEL --out DIR.`,
  );
}

function moreOptions(text: string | undefined): Record<string, unknown> {
  if (text === undefined) return {};
  try {
    const given: unknown = JSON.parse(text);
    if (isObject(given)) return given;
  } catch {
    // Said below.
  }
  throw new UsageError(
    `--options is "${text}"; wanted a JSON object: '{"pipelineOptions":{"normalize":true}}'.`,
  );
}

/** A job as workers will take it. @throws UsageError */
function checked(job: ShardJob): ShardJob {
  try {
    return parseJob(job);
  } catch (cause) {
    throw cause instanceof TransformerError ? new UsageError(cause.message) : cause;
  }
}
