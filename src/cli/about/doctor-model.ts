// What doctor does with a model: its result for a few tokens beside the one that is stored with the weights.

import { loadModel, TransformerError } from '../../index.node.ts';
import type { Gpu } from '../../runtime/gpu.ts';
import {
  checkFile,
  compare,
  type Comparison,
  differs,
  formatName,
  readStored,
  resultOf,
  tryOut,
} from '../../model/self-check.ts';
import type { WeightFormatName } from '../../model/weights/asked-formats.ts';
import { directoryTarget } from '../../node/directory-target.ts';
import { openSource } from '../../source/open-source.ts';
import { LoadProgress } from '../load.ts';
import { UsageError } from '../options.ts';

export interface ModelCheck {
  /** Undefined where no result is stored. */
  readonly compared: Comparison | undefined;
  /** What is wrong; undefined where nothing is. */
  readonly problem: string | undefined;
  readonly written: boolean;
}

export interface ModelCheckOptions {
  readonly dtype: WeightFormatName | undefined;
  /** Whether to store the result; only where the device is right. */
  readonly write: boolean;
  readonly quiet: boolean;
}

/** Refuses places that no result can be written to. */
export function checkPlace(place: string | undefined, write: boolean): void {
  if (!write || (place !== undefined && !/^(hf:|[a-z][a-z+.-]+:\/\/)/i.test(place))) return;
  throw new UsageError('--write-check writes beside the weights. Pass a folder: --model DIR');
}

/** Loads a model and compares what it computes. @throws TransformerError those of `loadModel` */
export async function checkModelAt(
  place: string,
  gpu: Gpu,
  { dtype, write, quiet }: ModelCheckOptions,
): Promise<ModelCheck> {
  using progress = new LoadProgress();
  const files = openSource(place);
  // What is stored already may be of other weights: it is written anew.
  const stored = write ? undefined : await readStored(files).finally(() => files.release?.());
  const options = { gpu, ...(dtype && { dtype }), ...(!quiet && { onProgress: progress.show }) };
  using model = await loadModel(place, options);
  const format = formatName({ dtype });
  try {
    const tried = await tryOut(model, stored?.inputs);
    const compared = stored && compare(stored, tried, format);
    const isOff = compared !== undefined && !(compared.error <= compared.allowed);
    const problem = isOff ? differs(compared, files) : undefined;
    if (write && problem === undefined) {
      const text = JSON.stringify(await resultOf(model, format), undefined, 1);
      await directoryTarget(place).write(checkFile, new TextEncoder().encode(`${text}\n`));
    }
    return { compared, problem, written: write && problem === undefined };
  } catch (error) {
    if (!(error instanceof TransformerError) || error.code !== 'VALIDATION_FAILED') throw error;
    return { compared: undefined, problem: error.message, written: false };
  }
}

/** What is told of it, a line or two. */
export function modelLines({ compared, problem, written }: ModelCheck): string[] {
  const good =
    compared === undefined
      ? 'its result is finite; none is stored with its weights to compare it with'
      : `${compared.output} as stored, error ${compared.error.toExponential(1)}`;
  const line = problem === undefined ? `✓ model: ${good}` : `✗ model: ${problem}`;
  return written ? [line, `wrote ${checkFile}`] : [line];
}
