// The public interface in Node: the same names, with Dawn for adapters and folders for models.

import { registerFailures } from './source/fetch-failure.ts';
import { registerFolderLister } from './source/folder-files.ts';
import { registerImageDecoder } from './images/decode.ts';
import { registerPlatform } from './source/open-source.ts';
import { registerTargetOpener } from './source/target.ts';
import { nodeAdapters } from './node/adapter.ts';
import { cacheFolder } from './node/cache-folder.ts';
import { directorySource } from './node/directory-source.ts';
import { decodeImage } from './node/image-decoder.ts';
import { explainInNode } from './node/fetch-failure.ts';
import { directoryTarget } from './node/directory-target.ts';
import { listFiles } from './node/list-files.ts';
import { restUntil } from './node/rest.ts';
import { registerAdapterFinder } from './runtime/adapter.ts';
import { registerRest } from './runtime/waiting.ts';

registerAdapterFinder(nodeAdapters);
registerRest(restUntil);
registerPlatform({
  openPath: directorySource,
  openCache: cacheFolder,
  hub: () => ({
    endpoint: process.env['HF_ENDPOINT'] || undefined,
    token: process.env['HF_TOKEN'] || undefined,
  }),
});
registerTargetOpener(directoryTarget);
registerFolderLister(listFiles);
registerFailures(explainInNode);
registerImageDecoder(decodeImage);

export * from './index.ts';
export { directorySource, directoryTarget };
