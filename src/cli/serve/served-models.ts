// The models of a server: what they are called, and what they are for.

import { Config } from '../../model/config.ts';
import { className, labelCount } from '../../model/heads/head-name.ts';
import { readConfig } from '../../model/read-configs.ts';
import type { ServedTask } from '../../serve/index.ts';
import { isObject } from '../../source/json.ts';
import { openSource } from '../../source/open-source.ts';
import { describeFile, readJson } from '../../source/source.ts';
import { tasksOf } from '../../tasks/task-table.ts';
import { UsageError } from '../options.ts';

/** A model as it is named on the command line. */
export interface NamedSource {
  readonly name: string;
  readonly source: string;
}

/** From the most particular on: what generates texts can also be read for vectors. */
export const servedTasks: readonly ServedTask[] = [
  'automatic-speech-recognition',
  'text-generation',
  'text2text-generation',
  'text-ranking',
  'embeddings',
];

/** `NAME=SOURCE`, or a source, whose last part is the name; of repositories all of it. @throws UsageError */
export function namedSource(argument: string): NamedSource {
  const [, given, rest] = /^([\w.:/-]+)=(.+)$/.exec(argument) ?? [];
  const source = rest ?? argument;
  const repository = /^hf:([^@]+)/.exec(source)?.[1];
  const last = source
    .replace(/[\\/]+$/, '')
    .split(/[\\/]/)
    .at(-1);
  const name = given ?? repository ?? last ?? '';
  if (source.trim() !== '' && name !== '' && name !== '.' && name !== '..') return { name, source };
  throw new UsageError(
    `"${argument}" names no model. Pass a folder, a URL or hf:owner/name, or NAME=SOURCE.`,
  );
}

/** What a checkpoint is for, by its files. @throws UsageError where it is for nothing that is served */
export async function taskOf(source: string, signal: AbortSignal): Promise<ServedTask> {
  const files = openSource(source);
  const [config, modules] = await Promise.all([
    readConfig(files, signal),
    readJson(files, 'modules.json', { signal }),
  ]);
  const ofSentences = sentenceTask(modules);
  if (ofSentences !== undefined) return ofSentences;
  const file = describeFile(files, 'config.json');
  const fitting = await tasksOf(config, className(config));
  const hasOneLabel = labelCount(new Config(config, file)) === 1;
  const task = servedTasks.find(
    (one) => fitting.includes(one) && (one !== 'text-ranking' || hasOneLabel),
  );
  if (task !== undefined) return task;
  throw new UsageError(
    `${file} fits ${fitting.join(', ') || 'no task'}; served is ${servedTasks.join(', ')}.`,
  );
}

/** sentence-transformers lists what stands behind a model. */
function sentenceTask(modules: unknown): ServedTask | undefined {
  if (!Array.isArray(modules)) return undefined;
  const ranks = modules.filter(isObject).some(({ type }) => String(type).endsWith('.LogitScore'));
  return ranks ? 'text-ranking' : 'embeddings';
}
