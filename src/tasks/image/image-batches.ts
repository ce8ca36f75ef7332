// Images through a model, several at once where they become one size.

import type { Pixels } from '../../images/pixels.ts';
import { type ImageInput, readImage } from '../../images/read-image.ts';
import type { DenseTensor } from '../../model/inputs/inputs.ts';
import { throwIfAborted } from '../../runtime/errors.ts';
import { entryOf, type ReadOutput } from '../batches.ts';
import type { ImageTaskParts, TaskOutput } from '../task.ts';

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
  return eachImages({ model, imageProcessor }, inputs, signal, async (pixelValues, pictures) => {
    const output = forward
      ? await forward(pixelValues)
      : await model.forward({ pixelValues }, signal ? { signal } : {});
    return pictures.map((picture, at) =>
      take((...names) => entryOf(output, names, at, task), picture),
    );
  });
}

/** What images are brought to a model with. */
interface ImageReader {
  readonly model: Pick<ImageTaskParts['model'], 'gpu'>;
  readonly imageProcessor: ImageTaskParts['imageProcessor'];
}

/** Works on all images, in their order, some of one size at once: `work` gives a result for each of its own. */
export async function eachImages<Result>(
  { model, imageProcessor }: ImageReader,
  inputs: readonly ImageInput[],
  signal: AbortSignal | undefined,
  work: (pixelValues: DenseTensor, pictures: readonly Pixels[]) => Promise<Result[]>,
): Promise<Result[]> {
  const results: Result[] = [];
  let batch: Pixels[] = [];
  const sizeOf = ({ height, width }: Pixels): string =>
    imageProcessor.sizeOf([height, width]).join();
  const run = async (): Promise<void> => {
    throwIfAborted(signal);
    const pixelValues = await imageProcessor.pixelValues(model.gpu, batch, signal);
    results.push(...(await work(pixelValues, batch)));
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
