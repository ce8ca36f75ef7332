import { expect, test } from 'vitest';
import { Sha256 } from '../../src/source/sha256.ts';

function bytes(length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) & 0xff);
}

async function expected(data: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', data));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

// FIPS 180-4, examples.
test.each([
  ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
])('the hash of %j', (text, hash) => {
  const sha256 = new Sha256();
  sha256.update(new TextEncoder().encode(text));
  expect(sha256.hex()).toBe(hash);
});

test('all lengths around a block, in one piece and in pieces of any size', async () => {
  for (const length of [1, 54, 55, 56, 57, 63, 64, 65, 119, 120, 127, 128, 129, 1000, 100_003]) {
    const data = bytes(length);
    for (const step of [length, 1, 7, 64, 65, 1000]) {
      if (length / step > 5000) continue;
      const sha256 = new Sha256();
      for (let at = 0; at < length; at += step) sha256.update(data.subarray(at, at + step));
      expect(sha256.hex(), `${length} bytes by ${step}`).toBe(await expected(data));
    }
  }
});

test('a part of a larger buffer', async () => {
  const data = bytes(3000);
  const sha256 = new Sha256();
  sha256.update(data.subarray(13, 2049));
  expect(sha256.hex()).toBe(await expected(data.slice(13, 2049)));
});
