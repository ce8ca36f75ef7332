// The files beside the weights of a model that say how it reads.

import type { Source } from '../../index.node.ts';
import { readFile } from '../../source/source.ts';

/** What goes with a model: how it reads texts, pictures and sound. */
export const companionFiles: readonly string[] = [
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'vocab.json',
  'vocab.txt',
  'merges.txt',
  'chat_template.jinja',
  'preprocessor_config.json',
  'processor_config.json',
];

/** Those of these files that a source has. */
export async function readFiles(
  source: Source,
  names: readonly string[],
): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const name of names) {
    const bytes = await readFile(source, name);
    if (bytes !== undefined) files.set(name, new Uint8Array(bytes));
  }
  return files;
}
