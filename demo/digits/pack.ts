// Writes the digits that the page brings: `node scripts/digits.mjs pack`.

import { writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { type Digits, joinDigits, packDigits, selectDigits } from './digits.ts';
import { heldOutOf, readMnist, trainingOf } from './mnist.ts';
import { heldOutCount, trainingCount } from './share.ts';

const file = 'demo/digits/digits.bin';

/** As many of each kind, from the beginning on. */
function some(digits: Digits, count: number): Digits {
  const left = Array<number>(10).fill(count / 10);
  return selectDigits(digits, (index) => {
    const label = digits.labels[index] ?? 0;
    left[label] = (left[label] ?? 0) - 1;
    return (left[label] ?? 0) >= 0;
  });
}

const all = await readMnist();
const parts = [some(trainingOf(all), trainingCount), some(heldOutOf(all), heldOutCount)];
const bytes = gzipSync(packDigits(joinDigits(parts)), { level: 9 });
await writeFile(file, bytes);
console.log(
  `${file}: ${trainingCount} digits to train, ${heldOutCount} held out, ${bytes.length} bytes`,
);
