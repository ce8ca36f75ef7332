// node search.js FOLDER "Which planet is red?"; without a question, each line of stdin is one.
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { cosineSimilarity, pipeline, TransformerError } from 'webgpu-transformer';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: 'string', default: 'hf:sentence-transformers/all-MiniLM-L6-v2' },
    top: { type: 'string', default: '3' },
  },
});
const [folder = '.', ...asked] = positionals;

let embed;
try {
  embed = await pipeline('embeddings', values.model, { onProgress: showProgress });
  const passages = await readPassages(folder);
  if (passages.length === 0) throw new Error(`There is no text in ${folder} (.md or .txt).`);
  const vectors = await vectorsOf(passages.map(({ text }) => text));
  console.error(`${passages.length} passages. Ask:`);
  const questions = asked.length > 0 ? asked : createInterface(process.stdin);
  for await (const question of questions) {
    const [vector] = await vectorsOf([question]);
    const found = passages
      .map((passage, index) => ({ ...passage, score: cosineSimilarity(vector, vectors[index]) }))
      .toSorted((a, b) => b.score - a.score)
      .slice(0, Number(values.top));
    for (const { file, text, score } of found)
      console.log(`${score.toFixed(3)} ${file}\n${text}\n`);
  }
} catch (error) {
  console.error(error instanceof TransformerError ? error.message : error);
  process.exitCode = 1;
} finally {
  embed?.dispose();
}

/** The paragraphs of all texts below a folder. */
async function readPassages(place) {
  const names = await readdir(place, { recursive: true });
  const files = names.filter((name) => /\.(md|txt)$/.test(name) && !name.includes('node_modules'));
  const passages = await Promise.all(
    files.toSorted().map(async (file) => {
      const text = await readFile(path.join(place, file), 'utf8');
      const paragraphs = text.split(/\n\s*\n/).map((paragraph) => paragraph.trim());
      return paragraphs.filter((one) => one !== '').map((one) => ({ file, text: one }));
    }),
  );
  return passages.flat();
}

/** A vector for each text; the library makes batches that fit memory. */
async function vectorsOf(texts) {
  const { data, shape } = await embed(texts);
  const width = shape.at(-1);
  return texts.map((_, index) => data.subarray(index * width, (index + 1) * width));
}

function showProgress({ overall: { loaded, total } }) {
  const end = loaded < total ? '' : '\n';
  process.stderr.write(`\rLoading: ${Math.round((100 * loaded) / total)} %${end}`);
}
