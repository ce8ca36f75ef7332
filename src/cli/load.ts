// Opens the model of a command, with a line on the terminal that says how much of it is read.

import {
  type FileProgress,
  loadModel,
  type LoadOptions,
  type NewHead,
  pipeline,
  type Pipelines,
} from '../index.node.ts';
import { className } from '../model/heads/head-name.ts';
import { isObject } from '../source/json.ts';
import { type ModelSource, openSource } from '../source/open-source.ts';
import { jsonBytes, withFiles } from '../source/overlay.ts';
import { readJson } from '../source/source.ts';
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
  const { loadLora, withAdapters } = await import('../training/index.ts');
  const head = await headOf(adapter);
  const model = await loadModel(source, { ...options, ...(head && { head }) });
  try {
    const lora = await loadLora(model, adapter);
    const adapted = withAdapters(model, lora);
    const files = new Map([['config.json', jsonBytes(model.config)]]);
    const own = head ? withFiles(openSource(source), files) : source;
    const task = await pipeline(name, own, { ...(signal && { signal }), model: adapted });
    const dispose = (): void => {
      lora.dispose();
      model.dispose();
    };
    return Object.assign(task, { dispose, [Symbol.dispose]: dispose });
  } catch (error) {
    model.dispose();
    throw error;
  }
}

/** The head that an adapter is for, where that is not its model's: a run writes config.json beside it then. */
async function headOf(adapter: string): Promise<NewHead | undefined> {
  const config = await readJson(openSource(adapter), 'config.json');
  if (!isObject(config)) return undefined;
  const name = className(config) ?? '';
  const labels = labelsOf(config, name);
  if (labels.length === 0) return undefined;
  if (name.endsWith('ForObjectDetection')) return { labels, of: 'object' };
  const problemType = config['problem_type'] as NonNullable<NewHead['problemType']> | undefined;
  return { labels, ...(problemType && { problemType }) };
}
