// From what names a file in GGUF to the source of its folder, in which it stands.

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
  const hub = /^(hf:[^/@]+\/[^/@]+(?:@[^/]+)?)\/(.+)$/i.exec(name);
  if (hub !== null) return new GgufSource(openFolder(hub[1] ?? ''), hub[2] ?? '');
  // What stands behind ? is sent with every file of a folder.
  const [, folder = './', file = '', query = ''] =
    /^(.*[\\/])?([^\\/?#]+)(\?[^#]*)?(?:#.*)?$/.exec(name) ?? [];
  const isAddress = /^(https?|file):/i.test(name);
  return new GgufSource(openFolder(folder + query), isAddress ? decodeURIComponent(file) : file);
}
