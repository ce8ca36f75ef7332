// Writes a translator in Marian's layout with one more encoder layer, on top, which gives what it is given until it is
// trained: node scripts/deepen-encoder.mjs MODEL OUT
// MODEL and OUT are folders. Both sums of the new layer begin as their first part: what is added is 0 (as in "Net2Net",
// Chen et al. 2016, §2.3, a deeper network computes the same). So that normalizing twice gives what once does, the norm
// below gets gain 1 and bias 0, and its own go to the last norm of the new layer.
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { runnerImport } from 'vite';

const [from, to] = process.argv.slice(2);
if (from === undefined || to === undefined) {
  console.error('Usage: node scripts/deepen-encoder.mjs MODEL OUT');
  process.exit(2);
}
const root = path.dirname(import.meta.dirname);
/** @param {string} file @returns {Promise<unknown>} */
const load = async (file) =>
  (await runnerImport(path.join(root, 'src', file), { configFile: false, root })).module;

// What the library's modules have that is used here.
/** @typedef {{ shape: readonly number[], data: Float32Array }} Values */
/** @typedef {{ name: string, shape: readonly number[] }} Entry */
/** @typedef {object} Modules
 * @property {(folder: string) => object} directorySource
 * @property {(config: object) => object} initialCheckpoint
 * @property {(source: object) => Promise<ReadonlyMap<string, Entry>>} openSafetensors
 * @property {(source: object, entries: Iterable<Entry>, options: { chunkBytes: number }) =>
 *   AsyncIterable<{ entry: Entry, bytes: Uint8Array }>} readTensors
 * @property {(tensors: ReadonlyMap<string, Values>, options: { dtype: 'f16' }) => Uint8Array} safetensors
 * @property {(entry: Entry, bytes: Uint8Array) => Float32Array} numbersIn
 */
const modules = await Promise.all(
  [
    'node/directory-source.ts',
    'training/initialize.ts',
    'source/safetensors.ts',
    'source/safetensors-writer.ts',
    'model/weights/weight-formats.ts',
  ].map(load),
);
const { directorySource, initialCheckpoint, openSafetensors, readTensors, safetensors, numbersIn } =
  /** @type {Modules} */ (Object.assign({}, ...modules));

// Another model's certainty says nothing of the one to be trained.
const { score_calibration: _, ...config } = /** @type {Record<string, unknown>} */ (
  JSON.parse(readFileSync(path.join(from, 'config.json'), 'utf8'))
);
const layers = Number(config['encoder_layers']);
if (config['model_type'] !== 'marian' || config['normalize_before'] !== false) {
  console.error(`${from} is no Marian model that normalizes after its sums.`);
  process.exit(1);
}
const deeper = { ...config, encoder_layers: layers + 1 };
const tensors = await tensorsOf(directorySource(from));
const drawn = await tensorsOf(initialCheckpoint(deeper));
const below = `model.encoder.layers.${layers - 1}.final_layer_norm.`;
const above = `model.encoder.layers.${layers}.`;
for (const [name, values] of drawn) {
  if (!name.startsWith(above)) continue;
  const isAdded = /\.(out_proj|fc2)\.weight$/.test(name);
  tensors.set(name, isAdded ? filled(values, 0) : values);
}
for (const [name, value] of /** @type {const} */ ([
  ['weight', 1],
  ['bias', 0],
])) {
  const values = tensors.get(below + name);
  if (values === undefined) throw new RangeError(`${from} has no ${below}${name}`);
  tensors.set(`${above}final_layer_norm.${name}`, values);
  tensors.set(below + name, filled(values, value));
}
cpSync(from, to, { recursive: true });
writeFileSync(path.join(to, 'config.json'), `${JSON.stringify(deeper, undefined, 2)}\n`);
writeFileSync(path.join(to, 'model.safetensors'), safetensors(tensors, { dtype: 'f16' }));

/** @param {Values} values @param {number} value @returns {Values} */
function filled({ shape, data }, value) {
  return { shape, data: new Float32Array(data.length).fill(value) };
}

/** Their numbers, by name. @param {object} source @returns {Promise<Map<string, Values>>} */
async function tensorsOf(source) {
  /** @type {Map<string, Values>} */
  const found = new Map();
  const entries = await openSafetensors(source);
  // As one piece each: a translator of phrases is small.
  const chunkBytes = 2 ** 30;
  for await (const { entry, bytes } of readTensors(source, entries.values(), { chunkBytes }))
    found.set(entry.name, { shape: entry.shape, data: numbersIn(entry, bytes) });
  return found;
}
