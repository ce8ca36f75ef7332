// Tokenizers of the fixtures, with some of their configuration changed.

import { Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import { readFixture } from './fixture.ts';
import { memorySource, withFields } from './source.ts';

const names = ['tokenizer.json', 'vocab.txt', 'vocab.json', 'merges.txt', 'config.json'];

/**
 * The files of `test/fixtures/tokenizers/<folder>`; `config` changes tokenizer_config.json, `changes`
 * tokenizer.json and, under `model`, fields of the model.
 */
export async function tokenizerFiles(
  folder: string,
  config: object = {},
  changes?: { model?: object },
): Promise<Record<string, Uint8Array<ArrayBuffer>>> {
  const files: Record<string, Uint8Array<ArrayBuffer>> = {};
  for (const name of [...names, 'tokenizer_config.json']) {
    const bytes = await readFixture(`tokenizers/${folder}/${name}`).catch(() => undefined);
    if (bytes !== undefined) files[name] = bytes;
  }
  const change = (name: string, fields: object): void => {
    files[name] = withFields(files[name], Object.fromEntries(Object.entries(fields)));
  };
  change('tokenizer_config.json', config);
  if (changes === undefined) return files;
  const { model } = JSON.parse(new TextDecoder().decode(files['tokenizer.json'])) as {
    model: object;
  };
  change('tokenizer.json', { ...changes, model: { ...model, ...changes.model } });
  return files;
}

export async function loadTokenizer(
  folder: string,
  config: object = {},
  changes?: { model?: object },
): Promise<Tokenizer> {
  return Tokenizer.load(memorySource(await tokenizerFiles(folder, config, changes)), undefined);
}
