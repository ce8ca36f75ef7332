// How a sentence-transformers checkpoint makes its embeddings: its modules, and the layers that they are.

import { type Pooling, readModuleList, unsupported } from '../../model/sentence-modules.ts';
import { show } from '../../source/json.ts';
import type { Source } from '../../source/source.ts';
import { normalized } from '../pooling.ts';
import type { Layer, Routes } from './sentence-layers.ts';
import { readSentenceSettings, type SentenceSettings } from './sentence-settings.ts';

/** How alike two vectors are. */
export type Similarity = 'cosine' | 'dot' | 'euclidean' | 'manhattan';

export interface SentenceModules extends SentenceSettings {
  readonly pooling: readonly Pooling[];
  /** Whether the tokens of a prompt are pooled too. */
  readonly includePrompt: boolean;
  /** What follows the pooling; a Router has layers for each kind of text. */
  readonly layers: readonly (Layer | Routes)[];
  /** Numbers that are kept of each vector; all when absent. */
  readonly truncateDim: number | undefined;
  readonly similarity: Similarity;
}

const similarities = ['cosine', 'dot', 'euclidean', 'manhattan'] as const;

/** Errors: MODEL_UNSUPPORTED for modules or settings this library does not compute. */
export async function readSentenceModules(
  files: Source,
  signal: AbortSignal | undefined,
): Promise<SentenceModules> {
  const { pooling, includePrompt, modules } = await readModuleList(files, signal);
  const layers: (Layer | Routes)[] = [];
  for (const module of modules) {
    const { kind, folder } = module;
    if (kind === 'Dropout') continue;
    if (kind === 'Normalize') {
      layers.push(normalized);
      continue;
    }
    const { layerOf, routesOf } = await import('./sentence-layers.ts');
    const isRouter = kind === 'Router' || kind === 'Asym';
    layers.push(
      isRouter ? await routesOf(files, folder, signal) : await layerOf(files, module, signal),
    );
  }
  const settings = await readSentenceSettings(files, 'feature-extraction', signal);
  const { similarity_fn_name: similarity, truncate_dim: truncateDim } = settings.general;
  const known = similarities.find((name) => name === (similarity ?? 'cosine'));
  if (known === undefined) throw unsupported(files, `similarity_fn_name is ${show(similarity)}`);
  return {
    ...settings,
    pooling,
    includePrompt,
    layers,
    truncateDim: typeof truncateDim === 'number' ? truncateDim : undefined,
    similarity: known,
  };
}
