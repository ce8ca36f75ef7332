// What stands between people's inputs and a model's: a task loads those that it needs beside the weights.

import type { FeatureExtractor } from '../audio/feature-extractor.ts';
import type { ImageProcessor } from '../images/image-processor.ts';
import type { Source } from '../source/source.ts';
import { trusting } from '../source/trust.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';

export interface Processors {
  /** Sound to numbers. */
  readonly featureExtractor: FeatureExtractor;
  /** Images to numbers. */
  readonly imageProcessor: ImageProcessor;
  /** Texts to token ids and back. */
  readonly tokenizer: Tokenizer;
}

export type ProcessorName = keyof Processors;

/** How a processor is loaded. */
interface Loader<Processor> {
  readonly code: () => Promise<unknown>;
  readonly load: (files: Source, signal: AbortSignal | undefined) => Promise<Processor>;
}

const loaders: { readonly [Name in ProcessorName]: Loader<Processors[Name]> } = {
  featureExtractor: loader(
    () => import('../audio/feature-extractor.ts'),
    ({ FeatureExtractor: Loaded }, files, signal) => Loaded.load(files, signal),
  ),
  imageProcessor: loader(
    () => import('../images/image-processor.ts'),
    ({ ImageProcessor: Loaded }, files, signal) => Loaded.load(files, signal),
  ),
  tokenizer: loader(
    () => import('../tokenizer/tokenizer.ts'),
    ({ Tokenizer: Loaded }, files, signal) => Loaded.load(files, signal),
  ),
};

function loader<Code, Processor>(
  code: () => Promise<Code>,
  load: (
    code: Code,
    files: Source,
    signal: AbortSignal | undefined,
  ) => Processor | Promise<Processor>,
): Loader<Processor> {
  return { code, load: async (files, signal) => load(await code(), files, signal) };
}

/** Asks for the code of these processors. */
export async function processorCode(needs: readonly ProcessorName[]): Promise<void> {
  await Promise.all(needs.map((name) => loaders[name].code()));
}

/** Loads these processors. Errors: FILE_*, CONFIG_INVALID, MODEL_UNSUPPORTED. */
export async function loadProcessors<Name extends ProcessorName>(
  needs: readonly Name[],
  files: Source,
  signal: AbortSignal | undefined,
): Promise<Pick<Processors, Name>> {
  const loading = needs.map(async (name) => {
    return [name, await trusting(files, undefined, () => loaders[name].load(files, signal))];
  });
  return Object.fromEntries(await Promise.all(loading)) as Pick<Processors, Name>;
}
