// GGUF files that lie: what is opened lies within the file, all else is a typed error, soon.
import { expect } from 'vitest';
import { TransformerError } from '../../src/runtime/errors.ts';
import { GgufSource } from '../../src/source/gguf/gguf-source.ts';
import { openSafetensors, readTensors } from '../../src/source/safetensors.ts';
import { readJson, type Source } from '../../src/source/source.ts';
import { readFixture } from '../support/fixture.ts';
import { cases } from '../support/fuzz.ts';
import type { Random } from '../support/random.ts';

const fixtures = await Promise.all(
  ['qwen3', 'llama_bpe', 'gemma2'].map((name) => readFixture(`gguf/${name}.gguf`)),
);

/** Where metadata and tensors are told of. */
const headerBytes = 16_000;

/** A file with a few bytes of its header changed, or cut off. */
function fileOf(random: Random): Uint8Array<ArrayBuffer> {
  const file = random.pick(fixtures).slice();
  const view = new DataView(file.buffer);
  for (let i = random.integer(1, 3); i > 0; i--) {
    const at = random.integer(4, headerBytes);
    random.pick([
      () => (file[at] = random.integer(0, 255)),
      () => (file[at]! ^= 1 << random.integer(0, 7)),
      () => view.setUint32(at, random.pick([0, 1, 2 ** 31, 2 ** 32 - 1, 9]), true),
      () => view.setBigUint64(at, 2n ** BigInt(random.integer(0, 63)), true),
      () => file.copyWithin(at, at + random.integer(1, 40), headerBytes),
      () => file.fill(0, at, at + random.integer(1, 200)),
      // The counts.
      () => view.setBigUint64(random.pick([8, 16]), BigInt(random.integer(0, 400)), true),
    ])();
  }
  return random.next() < 0.1 ? file.slice(0, random.integer(0, file.length)) : file;
}

/** Everything that a load reads. */
async function readAll(source: Source, size: number): Promise<void> {
  const files = [
    'config.json',
    'generation_config.json',
    'tokenizer.json',
    'tokenizer_config.json',
  ];
  for (const file of files) expect(await readJson(source, file)).toBeTypeOf('object');
  const entries = [...(await openSafetensors(source)).values()];
  expect(entries.reduce((sum, { start, end }) => sum + end - start, 0)).toBeLessThanOrEqual(size);
  for await (const { entry, offset, bytes } of readTensors(source, entries)) {
    expect(offset + bytes.length).toBeLessThanOrEqual(entry.end - entry.start);
  }
}

cases('files that lie', 300, async (random) => {
  const file = fileOf(random);
  const isSized = random.next() < 0.5;
  const files: Source = {
    name: 'memory',
    read: async (_, range) => file.subarray(range?.start, range?.end),
    ...(isSized && { size: async () => file.length }),
  };
  try {
    await readAll(new GgufSource(files, 'tiny.gguf'), file.length);
  } catch (error) {
    expect(error).toBeInstanceOf(TransformerError);
    const { code, message } = error as TransformerError;
    expect(code).toMatch(/^FILE_(INVALID|TRUNCATED|NOT_FOUND)$|^MODEL_UNSUPPORTED$/);
    expect(message.length).toBeLessThan(1000);
  }
});
