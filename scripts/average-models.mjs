// Writes the mean of the weights of models that one was trained from the other, often better than each ("Model soups",
// Wortsman et al. 2022, arXiv 2203.05482): node scripts/average-models.mjs OUT.safetensors MODEL MODEL…
// Each MODEL is a file model.safetensors with the same tensors in the same order, of numbers of 16 bits (F16).
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { runnerImport } from 'vite';

const [out, ...files] = process.argv.slice(2);
if (out === undefined || files.length < 2) {
  console.error('Usage: node scripts/average-models.mjs OUT.safetensors MODEL MODEL…');
  process.exit(2);
}
const root = path.dirname(import.meta.dirname);
/**
 * @typedef {object} Float16
 * @property {(bits: Uint16Array) => Float32Array} float16ToFloat32
 * @property {(values: Float32Array) => Uint16Array<ArrayBuffer>} float32ToFloat16
 */
const imported = await runnerImport(path.join(root, 'src/source/float16.ts'), {
  configFile: false,
  root,
});
const { float16ToFloat32, float32ToFloat16 } = /** @type {Float16} */ (imported.module);
const models = files.map(read);
const [first] = models;
if (models.some(({ tensors }) => tensors !== first?.tensors)) {
  console.error('The models have other tensors, or in another order.');
  process.exit(1);
}
const { header: start, values: own } = /** @type {ReturnType<typeof read>} */ (first);
const mean = own.map(
  (_, i) => models.reduce((sum, { values }) => sum + (values[i] ?? 0), 0) / models.length,
);
writeFileSync(out, Buffer.concat([start, Buffer.from(float32ToFloat16(mean).buffer)]));

/** The header as it stands, what it says of the tensors, and their numbers. @param {string} file */
function read(file) {
  const bytes = readFileSync(file);
  const end = 8 + Number(bytes.readBigUInt64LE());
  const header = bytes.subarray(0, end);
  const { __metadata__: _, ...tensors } = /** @type {Record<string, { dtype?: string }>} */ (
    JSON.parse(header.toString('utf8', 8))
  );
  const other = Object.keys(tensors).find((name) => tensors[name]?.dtype !== 'F16');
  if (other !== undefined) {
    console.error(`${file}: ${other} is ${tensors[other]?.dtype}; wanted F16.`);
    process.exit(1);
  }
  const halves = new Uint16Array(Uint8Array.from(bytes.subarray(end)).buffer);
  return { header, tensors: JSON.stringify(tensors), values: float16ToFloat32(halves) };
}
