// Does what a job says: with one model at a time, which stays until a job names another.

import type { Gpu } from '../../index.node.ts';
import {
  classifyShard,
  embedShard,
  generateShard,
  type ShardResult,
  transcribeShard,
} from '../../jobs/index.ts';
import { openPipeline } from '../load.ts';
import {
  isAddress,
  type JobTask,
  modelIdOf,
  nameBelow,
  placeOf,
  type ShardJob,
} from './shard-job.ts';
import { storeVectors } from './vector-table.ts';
import type { JobResult } from './worker.ts';

/** A function over shards, whose options are checked by itself. */
type ShardFunction = (
  pipeline: never,
  input: string | URL,
  output: string,
  options: never,
) => Promise<ShardResult>;

const functions: Readonly<Record<JobTask, ShardFunction>> = {
  embeddings: embedShard,
  'feature-extraction': embedShard,
  'text-classification': classifyShard,
  'text-generation': generateShard,
  'automatic-speech-recognition': transcribeShard,
};

interface Loaded extends Disposable {
  readonly key: string;
  readonly pipeline: unknown;
}

/** Where shards are, and on what their models run. */
export interface RunnerSettings {
  /** The folder that all names of jobs begin in. */
  readonly root: string;
  readonly gpu: Gpu;
  readonly quiet: boolean;
}

export class ShardRunner implements Disposable {
  readonly #settings: RunnerSettings;
  #loaded: Loaded | undefined;

  constructor(settings: RunnerSettings) {
    this.#settings = settings;
  }

  /** Keeps an output that is there; `path` is from the root on. Errors: those of loading models and of functions over shards; ABORTED. */
  async run(job: ShardJob, signal: AbortSignal): Promise<JobResult> {
    const { root } = this.#settings;
    const pipeline = await this.#pipeline(job, signal);
    const input = isAddress(job.input) ? new URL(job.input) : placeOf(root, job.input);
    const options = { ...job.options, modelId: modelIdOf(job), resume: true, signal };
    const output = placeOf(root, job.output);
    const { path, ...result } = await functions[job.task](
      pipeline as never,
      input,
      output,
      options as never,
    );
    const { table, input: shard } = job;
    return {
      ...result,
      path: nameBelow(root, path),
      ...(table !== undefined && { store: (db) => storeVectors(db, { table, shard, path }) }),
    };
  }

  [Symbol.dispose](): void {
    this.#loaded?.[Symbol.dispose]();
    this.#loaded = undefined;
  }

  async #pipeline(job: ShardJob, signal: AbortSignal): Promise<unknown> {
    const { root, gpu, quiet } = this.#settings;
    const { task, model, dtype, adapter } = job;
    const key = `${task} ${modelIdOf(job)}`;
    if (this.#loaded?.key === key) return this.#loaded.pipeline;
    this[Symbol.dispose]();
    const pipeline = await openPipeline(task, placeOf(root, model), {
      dtype,
      adapter: adapter === undefined ? undefined : placeOf(root, adapter),
      signal,
      gpu,
      quiet,
    });
    this.#loaded = { key, pipeline, [Symbol.dispose]: () => pipeline.dispose() };
    return pipeline;
  }
}
