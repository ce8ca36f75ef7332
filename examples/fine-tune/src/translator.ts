// The translator inside the package, which learns pairs of texts in the page and is kept for the next visit.
import { loadModel, type Model, pipeline, TransformerError } from 'webgpu-transformer';
import { loadTokenizer, sequenceBatch, Trainer } from 'webgpu-transformer/training';

/** English, and German. */
export type Pair = readonly [source: string, target: string];

const base = 'models/phrases';
const storage = await navigator.storage.getDirectory();
const folder = await storage.getDirectoryHandle('fine-tuned', { create: true });

const model = await open();
const tokenizer = await loadTokenizer(base);
export const translate = await pipeline('translation', base, { model });

/** What was saved, where there is something; else the model inside the package. */
function open(): Promise<Model> {
  return loadModel(folder, { training: true }).catch((error) => {
    if (error instanceof TransformerError && error.code === 'FILE_NOT_FOUND') {
      return loadModel(base, { training: true });
    }
    throw error;
  });
}

/** Trains until the pairs are known or the signal stops it, and saves the model. */
export async function train(
  pairs: readonly Pair[],
  signal: AbortSignal,
  onStep: (step: number, loss: number) => void,
): Promise<void> {
  const examples = pairs.map(([source, target]) => ({
    source: tokenizer.encode(`>>de<<${source}`),
    target: tokenizer.encode(target),
  }));
  const batch = sequenceBatch(examples, tokenizer.padToken ?? 0);
  // What reads English stays as it is.
  const trainer = new Trainer(model, { learningRate: 1e-3, freeze: ['model.encoder.*'] });
  try {
    for await (const { step, loss } of trainer.steps(() => batch, { maxSteps: 100 })) {
      onStep(step, loss);
      if (loss < 0.05 || signal.aborted) break;
    }
    await trainer.saveModel({ write });
  } finally {
    trainer.dispose();
  }
}

async function write(file: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const handle = await folder.getFileHandle(file, { create: true });
  const stream = await handle.createWritable();
  await stream.write(bytes);
  await stream.close();
}

/** Deletes what was saved: the next visit begins with the model inside the package. */
export function forget(): Promise<void> {
  return storage.removeEntry(folder.name, { recursive: true });
}
