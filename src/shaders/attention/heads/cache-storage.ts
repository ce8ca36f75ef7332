// How keys and values are stored in caches, and read from them.

import type { Snippet, StorageSnippet } from '../../../runtime/kernel.ts';
import cacheText from './cache-f32.wgsl?raw';
import halfPairText from './half-pair.wgsl?raw';
import headsText from './heads-f32.wgsl?raw';
import keyValueText from '../attention-kv-f32.wgsl?raw';
import { late } from '../../snippets.ts';

/** Two numbers in a word, for kernels that bind `spill`. */
export const halfPair: Snippet = { file: 'half-pair.wgsl', text: halfPairText };

/** The cache of a step, which reads and appends; needs `halfPair`. */
export const cacheStorage: StorageSnippet = {
  binding: 'cache',
  formats: {
    f32: [{ file: 'cache-f32.wgsl', text: cacheText }],
    f16: [{ file: 'cache-f16.wgsl', text: late(() => import('./cache-f16.wgsl?raw')) }],
  },
};

/** Heads that are put into a cache; needs `halfPair`. */
export const headsStorage: StorageSnippet = {
  binding: 'kv',
  formats: {
    f32: [{ file: 'heads-f32.wgsl', text: headsText }],
    f16: [{ file: 'heads-f16.wgsl', text: late(() => import('./heads-f16.wgsl?raw')) }],
  },
};

/** Keys and values, of one format, that attention only reads. */
export const keyValueStorage: StorageSnippet = {
  binding: 'k',
  formats: {
    f32: [{ file: 'attention-kv-f32.wgsl', text: keyValueText }],
    f16: [
      { file: 'attention-kv-f16.wgsl', text: late(() => import('../attention-kv-f16.wgsl?raw')) },
    ],
  },
};

/** The same, four neighbours at a time, where heads begin at multiples of four. */
export const keyValue4Storage: StorageSnippet = {
  binding: 'k',
  formats: {
    f32: [
      { file: 'attention-kv4-f32.wgsl', text: late(() => import('../attention-kv4-f32.wgsl?raw')) },
    ],
    f16: [
      { file: 'attention-kv4-f16.wgsl', text: late(() => import('../attention-kv4-f16.wgsl?raw')) },
    ],
  },
};
