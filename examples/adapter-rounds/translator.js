// What all of them train: the translator inside the package, and pairs of texts from a file.
import { readFile } from 'node:fs/promises';
import { loadModel } from 'webgpu-transformer';
import { loadTokenizer, sequenceBatch } from 'webgpu-transformer/training';

const folder = new URL('.', import.meta.resolve('webgpu-transformer/models/phrases/config.json'));

export const openModel = () => loadModel(folder);

/** English and German, parted by a tab, a pair a line: a function from a number to the batch of that number. */
export async function readBatches(file, size) {
  const tokenizer = await loadTokenizer(folder);
  const lines = (await readFile(file, 'utf8')).trim().split('\n');
  const pairs = lines.map((line) => {
    const [source, target] = line.split('\t');
    return { source: tokenizer.encode(`>>de<<${source}`), target: tokenizer.encode(target) };
  });
  return (number) => {
    const batch = Array.from({ length: size }, (_, i) => pairs[(number * size + i) % pairs.length]);
    return sequenceBatch(batch, tokenizer.padToken);
  };
}
