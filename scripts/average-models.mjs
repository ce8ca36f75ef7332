// Writes the mean of the weights of models that one was trained from the other, often better than each ("Model soups",
// Wortsman et al. 2022, arXiv 2203.05482): node scripts/average-models.mjs OUT.safetensors MODEL MODEL…
// Each MODEL is a file model.safetensors with the same tensors in the same order, of numbers of 16 bits (F16).
import { readFileSync, writeFileSync } from 'node:fs';

const [out, ...files] = process.argv.slice(2);
if (out === undefined || files.length < 2) {
  console.error('Usage: node scripts/average-models.mjs OUT.safetensors MODEL MODEL…');
  process.exit(2);
}
/** Of each pattern of 15 bits below infinity its number. */
const numbers = Float64Array.from({ length: 0x7c00 }, (_, bits) => {
  const [exponent, fraction] = [bits >> 10, bits & 0x3ff];
  return exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25);
});
const models = files.map(read);
const [first] = models;
if (models.some(({ tensors }) => tensors !== first?.tensors)) {
  console.error('The models have other tensors, or in another order.');
  process.exit(1);
}
const { header: start, halves: own } = /** @type {ReturnType<typeof read>} */ (first);
const mean = own.map((_, i) =>
  halfOf(models.reduce((sum, model) => sum + numberOf(model.halves[i] ?? 0), 0) / models.length),
);
writeFileSync(out, Buffer.concat([start, Buffer.from(mean.buffer)]));

/** The header as it stands, what it says of the tensors, and their bits. @param {string} file */
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
  return { header, tensors: JSON.stringify(tensors), halves };
}

/** @param {number} bits */
function numberOf(bits) {
  const size = numbers[bits & 0x7fff] ?? NaN;
  return bits < 0x8000 ? size : -size;
}

/** The nearest pattern of bits; of two as near the even one. @param {number} value */
function halfOf(value) {
  const size = Math.abs(value);
  let [low, high] = [0, numbers.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((numbers[middle] ?? 0) <= size) low = middle;
    else high = middle;
  }
  const [below, above] = [size - (numbers[low] ?? 0), (numbers[high] ?? 0) - size];
  const isLow = below < above || (below === above && low % 2 === 0);
  return (isLow ? low : high) + (value < 0 ? 0x8000 : 0);
}
