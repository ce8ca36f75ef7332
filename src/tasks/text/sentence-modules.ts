// How a sentence-transformers checkpoint makes its embeddings: modules.json and the files it names.
// A checkpoint without modules.json pools as sentence-transformers does: by the mean, a causal
// language model by its last token.

import { isObject, type JsonObject, show } from '../../source/json.ts';
import { readJson, type Source } from '../../source/source.ts';
import { normalized, type Pooling } from '../pooling.ts';
import type { Layer, Routes } from './sentence-layers.ts';
import {
  checkModule,
  isLanguageModel,
  readSentenceSettings,
  type SentenceSettings,
  unsupported,
} from './sentence-settings.ts';

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

/** Names of sentence-transformers, in its order of the parts of a vector. */
const poolings: Readonly<Record<string, readonly [mode: string, Pooling]>> = {
  pooling_mode_cls_token: ['cls', 'cls'],
  pooling_mode_max_tokens: ['max', 'max'],
  pooling_mode_mean_tokens: ['mean', 'mean'],
  pooling_mode_mean_sqrt_len_tokens: ['mean_sqrt_len_tokens', 'meanSqrtLength'],
  pooling_mode_weightedmean_tokens: ['weightedmean', 'weightedMean'],
  pooling_mode_lasttoken: ['lasttoken', 'last'],
};

const similarities = ['cosine', 'dot', 'euclidean', 'manhattan'] as const;

/** Errors: MODEL_UNSUPPORTED for modules or settings this library does not compute. */
export async function readSentenceModules(
  files: Source,
  signal: AbortSignal | undefined,
): Promise<SentenceModules> {
  const read = async (file: string): Promise<JsonObject> => {
    const value = await readJson(files, file, { signal });
    return isObject(value) ? value : {};
  };
  const list = await readJson(files, 'modules.json', { signal });
  const modules = (Array.isArray(list) ? list : []).filter(isObject);
  let pooling: readonly Pooling[] | undefined;
  let includePrompt = true;
  const layers: (Layer | Routes)[] = [];
  for (const { type, path } of modules) {
    const kind = String(type).split('.').at(-1) ?? '';
    const folder = typeof path === 'string' ? path : '';
    if (kind === 'Transformer') {
      if (folder === '') continue;
      throw unsupported(files, `modules.json has the model in the folder "${folder}"`);
    }
    if (kind === 'Dropout') continue;
    if (!['Pooling', 'Normalize', 'Dense', 'LayerNorm', 'Router', 'Asym'].includes(kind)) {
      throw unsupported(files, `modules.json names the module ${show(type)}`);
    }
    const config = folder === '' ? {} : await read(`${folder}/config.json`);
    if (kind === 'Pooling') {
      pooling = poolingOf(files, config);
      includePrompt = config['include_prompt'] !== false;
      continue;
    }
    checkModule(files, type, config);
    if (kind === 'Normalize') {
      layers.push(normalized);
      continue;
    }
    const { layerOf, routesOf } = await import('./sentence-layers.ts');
    const isRouter = kind === 'Router' || kind === 'Asym';
    layers.push(
      isRouter
        ? await routesOf(files, folder, signal)
        : await layerOf(files, { kind, folder, config }, signal),
    );
  }
  if (list === undefined) pooling = [isLanguageModel(await read('config.json')) ? 'last' : 'mean'];
  const settings = await readSentenceSettings(files, 'feature-extraction', signal);
  const { similarity_fn_name: similarity, truncate_dim: truncateDim } = settings.general;
  const known = similarities.find((name) => name === (similarity ?? 'cosine'));
  if (known === undefined) throw unsupported(files, `similarity_fn_name is ${show(similarity)}`);
  return {
    ...settings,
    pooling: pooling ?? ['mean'],
    includePrompt,
    layers,
    truncateDim: typeof truncateDim === 'number' ? truncateDim : undefined,
    similarity: known,
  };
}

function poolingOf(files: Source, config: JsonObject): readonly Pooling[] {
  const known = Object.entries(poolings);
  const mode = config['pooling_mode'];
  if (mode === undefined || mode === null) {
    const chosen = known.filter(([key]) => config[key] === true).map(([, [, kind]]) => kind);
    return chosen.length > 0 ? chosen : ['mean'];
  }
  return [mode].flat().map((name) => {
    const found = known.find(([, [own]]) => own === name);
    if (found === undefined) throw unsupported(files, `pooling_mode is ${show(name)}`);
    return found[1][1];
  });
}
