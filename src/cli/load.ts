// Opens the model of a command, with a line on the terminal that says how much of it is read.

import {
  type FileProgress,
  type LoadOptions,
  pipeline,
  type Pipelines,
  TransformerError,
} from '../index.node.ts';
import type { ModelSource } from '../source/open-source.ts';
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

/** `pipeline` with progress. Options that are undefined count as not given. */
export async function openPipeline<Name extends keyof Pipelines>(
  name: Name,
  source: ModelSource,
  { dtype, signal }: { readonly [Key in 'dtype' | 'signal']: LoadOptions[Key] | undefined },
): Promise<Pipelines[Name]> {
  using progress = new LoadProgress();
  const options = { ...(dtype && { dtype }), ...(signal && { signal }) };
  return await pipeline(name, source, { ...options, onProgress: progress.show });
}

/** The model and the texts that a command was given. `form` says how it is called. */
export function sourceAndTexts(
  [source, ...texts]: readonly string[],
  form: string,
): { source: string; texts: readonly string[] } {
  if (source !== undefined && source !== '') return { source, texts };
  throw new TransformerError(
    'INPUT_INVALID',
    `No model is named. Pass a folder, a URL or hf:owner/name first: ${form}`,
  );
}
