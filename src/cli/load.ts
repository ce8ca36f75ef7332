// Opens the model of a command, with a line on the terminal that says how much of it is read.

import {
  type FileProgress,
  loadModel,
  type LoadOptions,
  type Model,
  type NewHead,
  pipeline,
  type Pipelines,
} from '../index.node.ts';
import { className } from '../model/heads/head-name.ts';
import { isObject, type JsonObject } from '../source/json.ts';
import { type ModelSource, openSource } from '../source/open-source.ts';
import { jsonBytes, withFiles } from '../source/overlay.ts';
import { readJson } from '../source/source.ts';
import type { Lora } from '../training/adapters/lora.ts';
import { labelsOf } from './describe.ts';
import { Progress, type Terminal } from './progress.ts';

const megabyte = 1e6;

/** Shows the bytes of weights read, downloaded or not, and takes the line away at the end. */
export class LoadProgress implements Disposable {
  readonly #terminal: Terminal;
  #progress: Progress | undefined;

  constructor(terminal: Terminal = process.stderr) {
    this.#terminal = terminal;
  }

  readonly show = ({ file, overall }: FileProgress): void => {
    const megabytes = (bytes: number): number => Math.ceil(bytes / megabyte);
    this.#progress ??= new Progress(Math.max(1, megabytes(overall.total)), this.#terminal);
    this.#progress.show(megabytes(overall.loaded), `MB  ${file}`);
  };

  [Symbol.dispose](): void {
    this.#progress?.clear();
  }
}

/** What `openPipeline` passes on to `pipeline`; undefined counts as not given. `adapter`: the folder of one. */
export type OpenOptions = {
  readonly [Key in 'dtype' | 'signal' | 'gpu']?: LoadOptions[Key] | undefined;
} & { readonly adapter?: string | undefined; readonly quiet: boolean };

/** `pipeline`, with progress unless it is to be quiet. */
export async function openPipeline<Name extends keyof Pipelines>(
  name: Name,
  source: ModelSource,
  { adapter, dtype, signal, gpu, quiet }: OpenOptions,
): Promise<Pipelines[Name]> {
  using progress = new LoadProgress();
  const options = {
    ...(dtype && { dtype }),
    ...(signal && { signal }),
    ...(gpu && { gpu }),
    ...(!quiet && { onProgress: progress.show }),
  };
  if (adapter === undefined) return await pipeline(name, source, options);
  const { withAdapters } = await import('../training/index.ts');
  const own = await adapterHead(adapter);
  const { model, lora, dispose } = await loadAdapted(source, adapter, {
    ...options,
    ...(own && { head: own.head }),
  });
  try {
    const files = own ? withConfig(source, model.config) : source;
    const adapted = withAdapters(model, lora);
    const task = await pipeline(name, files, { ...(signal && { signal }), model: adapted });
    return Object.assign(task, { dispose, [Symbol.dispose]: dispose });
  } catch (error) {
    dispose();
    throw error;
  }
}

/** A model and the adapter beside its weights; both go together. */
interface Adapted extends Disposable {
  readonly model: Model;
  readonly lora: Lora;
  readonly dispose: () => void;
}

export async function loadAdapted(
  source: ModelSource,
  adapter: string,
  options: LoadOptions,
): Promise<Adapted> {
  const { loadLora } = await import('../training/index.ts');
  const model = await loadModel(source, options);
  try {
    const lora = await loadLora(model, adapter);
    const dispose = (): void => {
      lora.dispose();
      model.dispose();
    };
    return { model, lora, dispose, [Symbol.dispose]: dispose };
  } catch (error) {
    model.dispose();
    throw error;
  }
}

/** Where an adapter is for a head that is not its model's, which a run says in config.json beside it. */
export interface AdapterHead {
  readonly head: NewHead;
  readonly config: JsonObject;
}

export async function adapterHead(adapter: string): Promise<AdapterHead | undefined> {
  const config = await readJson(openSource(adapter), 'config.json');
  if (!isObject(config)) return undefined;
  const name = className(config) ?? '';
  const labels = labelsOf(config, name);
  if (labels.length === 0) return undefined;
  if (name.endsWith('ForObjectDetection')) return { head: { labels, of: 'object' }, config };
  const problemType = config['problem_type'] as NonNullable<NewHead['problemType']> | undefined;
  return { head: { labels, ...(problemType && { problemType }) }, config };
}

/** A checkpoint with another config.json. */
export function withConfig(source: ModelSource, config: JsonObject): ModelSource {
  return withFiles(openSource(source), new Map([['config.json', jsonBytes(config)]]));
}
