// A program for tests of a cache that processes share: reads a model as a load does, and prints how
// many bytes of weights it got.

import { openSource } from '../../src/source/open-source.ts';
import { openSafetensors, readTensors } from '../../src/source/safetensors.ts';
import { requireJson } from '../../src/source/source.ts';
import '../../src/index.node.ts';

const [url = '', offline] = process.argv.slice(2);
const source = openSource(url, { offline: offline === 'offline' });
await requireJson(source, 'config.json');
const tensors = await openSafetensors(source);
let loaded = 0;
for await (const { bytes } of readTensors(source, tensors.values(), { chunkBytes: 8192 })) {
  loaded += bytes.length;
}
process.stdout.write(`${loaded}\n`);
