// From what names a file in GGUF to the source of its folder, in which it stands.

import { splitAddress } from '../file-address.ts';
import type { ModelSource } from '../open-source.ts';
import type { Source } from '../source.ts';
import { GgufSource } from './gguf-source.ts';

/** `name`: the source's text, or the name of the only file it lists. */
export function ggufSource(
  source: ModelSource,
  name: string,
  openFolder: (folder: ModelSource) => Source,
): GgufSource {
  if (typeof source === 'object' && 'length' in source) {
    return new GgufSource(openFolder(source), name);
  }
  const { folder, file } = splitAddress(name);
  return new GgufSource(openFolder(folder), file);
}
