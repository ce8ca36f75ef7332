// The public interface in Node: the same names, with Dawn for adapters and folders for models.

import { registerPathOpener } from './model/load.ts';
import { findNodeAdapter } from './node/adapter.ts';
import { directorySource } from './node/directory-source.ts';
import { registerAdapterFinder } from './runtime/adapter.ts';

registerAdapterFinder(findNodeAdapter);
registerPathOpener(directorySource);

export * from './index.ts';
export { directorySource };
