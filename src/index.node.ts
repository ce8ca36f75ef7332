// The public interface in Node: the same names, with Dawn for adapters and folders for models.

import { registerPathOpener } from './model/load.ts';
import { findNodeAdapter } from './node/adapter.ts';
import { registerTargetOpener } from './model/target.ts';
import { directorySource } from './node/directory-source.ts';
import { directoryTarget } from './node/directory-target.ts';
import { registerAdapterFinder } from './runtime/adapter.ts';

registerAdapterFinder(findNodeAdapter);
registerPathOpener(directorySource);
registerTargetOpener(directoryTarget);

export * from './index.ts';
export { directorySource, directoryTarget };
