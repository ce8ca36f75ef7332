// Tokenizers of the fixtures, with some of their configuration changed.

import { Tokenizer } from '../../src/tasks/tokenizer.ts';
import { readFixture } from './fixture.ts';
import { memorySource, withFields } from './source.ts';

const names = ['tokenizer.json', 'vocab.txt', 'vocab.json', 'merges.txt', 'config.json'];

/** The files of `test/fixtures/tokenizers/<folder>`; `config` changes tokenizer_config.json. */
export async function tokenizerFiles(
  folder: string,
  config: object = {},
): Promise<Record<string, Uint8Array<ArrayBuffer>>> {
  const files: Record<string, Uint8Array<ArrayBuffer>> = {};
  for (const name of [...names, 'tokenizer_config.json']) {
    const bytes = await readFixture(`tokenizers/${folder}/${name}`).catch(() => undefined);
    if (bytes !== undefined) files[name] = bytes;
  }
  const fields = Object.fromEntries(Object.entries(config));
  files['tokenizer_config.json'] = withFields(files['tokenizer_config.json'], fields);
  return files;
}

export async function loadTokenizer(folder: string, config: object = {}): Promise<Tokenizer> {
  return Tokenizer.load(memorySource(await tokenizerFiles(folder, config)), undefined);
}
