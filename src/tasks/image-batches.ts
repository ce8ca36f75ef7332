// Images through a model, several at once where they become one size.

import type { Pixels } from '../images/pixels.ts';
import { type ImageInput, readImage } from '../images/read-image.ts';
import type { DenseTensor } from '../model/inputs/inputs.ts';
import { throwIfAborted } from '../runtime/errors.ts';
import { entryOf, type ReadOutput } from './batches.ts';
import type { ImageTaskParts, TaskOutput } from './task.ts';

/** Images that go together at most. */
const MOST = 8;

export interface ForwardImages {
  /** The task, for messages. */
  readonly task: string;
  readonly signal: AbortSignal | undefined;
  /** How pixel values go through the model; alone when absent. */
  readonly forward?: (pixelValues: DenseTensor) => Promise<TaskOutput>;
}

/** Runs every image through `forward`, in their order; `take` reads the result of one. */
export async function forwardImages<Result>(
  { model, imageProcessor }: ImageTaskParts,
  inputs: readonly ImageInput[],
  { task, signal, forward }: ForwardImages,
  take: (read: ReadOutput, picture: Pixels) => Result,
): Promise<Result[]> {
  const results: Result[] = [];
  let batch: Pixels[] = [];
  const sizeOf = ({ height, width }: Pixels): string =>
    imageProcessor.sizeOf([height, width]).join();
  const run = async (): Promise<void> => {
    throwIfAborted(signal);
    const pixelValues = await imageProcessor.pixelValues(model.gpu, batch, signal);
    const output = forward
      ? await forward(pixelValues)
      : await model.forward({ pixelValues }, signal ? { signal } : {});
    for (const [at, picture] of batch.entries()) {
      results.push(take((...names) => entryOf(output, names, at, task), picture));
    }
    batch = [];
  };
  for (const input of inputs) {
    const picture = await readImage(model.gpu, input, signal);
    const [first] = batch;
    if (first !== undefined && (batch.length === MOST || sizeOf(first) !== sizeOf(picture)))
      await run();
    batch.push(picture);
  }
  if (batch.length > 0) await run();
  return results;
}
