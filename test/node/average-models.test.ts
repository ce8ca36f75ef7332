// scripts/average-models.mjs: the mean of models, to the bit.
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { root } from '../support/cli.ts';
import { temporaryFolder } from '../support/runs.ts';

const script = path.join(root, 'scripts', 'average-models.mjs');
const average = (...files: string[]): Promise<unknown> =>
  promisify(execFile)(process.execPath, [script, ...files]);

function model(bits: readonly number[], dtype = 'F16', name = 'weight'): Uint8Array {
  const tensor = { dtype, shape: [bits.length], data_offsets: [0, 2 * bits.length] };
  const header = Buffer.from(JSON.stringify({ [name]: tensor }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, Buffer.from(Uint16Array.from(bits).buffer)]);
}

test('means are rounded to the nearest number of 16 bits, of two the even one', async () => {
  const folder = await temporaryFolder('average-models');
  const [a, b, out] = ['a', 'b', 'out'].map((name) => path.join(folder, name)) as [
    string,
    string,
    string,
  ];
  // 1 and 3; 1 and -2; steps of the least number, 1 and 2, 3 and 4; the greatest one; zeros.
  await writeFile(a, model([0x3c00, 0x3c00, 1, 3, 0x7bff, 0x8000]));
  await writeFile(b, model([0x4200, 0xc000, 2, 4, 0x7bff, 0x8000]));
  await average(out, a, b);
  const expected = model([0x4000, 0xb800, 2, 4, 0x7bff, 0]);
  expect((await readFile(out)).equals(expected)).toBe(true);
  // Of three: 1, 3, 3 have 7/3, which 16 bits round down.
  await average(out, a, b, b);
  expect((await readFile(out)).readUInt16LE(expected.length - 12)).toBe(0x40ab);
});

test('other models and other numbers are refused', async () => {
  const folder = await temporaryFolder('average-models');
  const [a, b] = ['a', 'b'].map((name) => path.join(folder, name)) as [string, string];
  await writeFile(a, model([1, 2]));
  await writeFile(b, model([1, 2], 'F16', 'bias'));
  await expect(average('out', a, b)).rejects.toMatchObject({ code: 1 });
  await writeFile(b, model([1, 2], 'BF16'));
  await expect(average('out', a, b)).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining('weight is BF16; wanted F16') as string,
  });
  await expect(average('out', a)).rejects.toMatchObject({ code: 2 });
});
