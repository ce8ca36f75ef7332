// What sentence-transformers puts behind a model: modules.json and the files that it names.

import { TransformerError } from '../runtime/errors.ts';
import { isObject, type JsonObject, show } from '../source/json.ts';
import { describeFile, readJson, type Source } from '../source/source.ts';
import { className } from './heads/head-name.ts';

/** How the vectors of tokens become one of the text. */
export type Pooling = 'mean' | 'cls' | 'last' | 'max' | 'meanSqrtLength' | 'weightedMean';

/** A module behind the pooling. */
export interface SentenceModule {
  /** The last part of its type. */
  readonly kind: string;
  readonly type: unknown;
  readonly folder: string;
  /** The config.json of its folder. */
  readonly config: JsonObject;
}

export interface ModuleList {
  readonly pooling: readonly Pooling[];
  /** Whether the tokens of a prompt are pooled too. */
  readonly includePrompt: boolean;
  /** What follows the pooling. */
  readonly modules: readonly SentenceModule[];
  /** modules.json and the config.json of each module, by their paths; none where there is no modules.json. */
  readonly files: Readonly<Record<string, unknown>>;
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

const behindPooling = ['Dropout', 'Normalize', 'Dense', 'LayerNorm', 'Router', 'Asym'];

/**
 * Without modules.json it is the pooling that sentence-transformers takes: the mean, of a causal language model the last
 * token. Errors: MODEL_UNSUPPORTED for modules or poolings this library does not know.
 */
export async function readModuleList(
  files: Source,
  signal: AbortSignal | undefined,
): Promise<ModuleList> {
  const read = async (file: string): Promise<JsonObject | undefined> => {
    const value = await readJson(files, file, { signal });
    return isObject(value) ? value : undefined;
  };
  const list = await readJson(files, 'modules.json', { signal });
  if (list === undefined) {
    const pooling = isLanguageModel(await read('config.json')) ? 'last' : 'mean';
    return { pooling: [pooling], includePrompt: true, modules: [], files: {} };
  }
  const found: Record<string, unknown> = { 'modules.json': list };
  const modules: SentenceModule[] = [];
  let pooling: readonly Pooling[] = ['mean'];
  let includePrompt = true;
  for (const { type, path } of (Array.isArray(list) ? list : []).filter(isObject)) {
    const kind = String(type).split('.').at(-1) ?? '';
    const folder = typeof path === 'string' ? path : '';
    if (kind === 'Transformer') {
      if (folder === '') continue;
      throw unsupported(files, `modules.json has the model in the folder "${folder}"`);
    }
    if (kind !== 'Pooling' && !behindPooling.includes(kind)) {
      throw unsupported(files, `modules.json names the module ${show(type)}`);
    }
    const file = `${folder}/config.json`;
    const own = folder === '' ? undefined : await read(file);
    if (own !== undefined) found[file] = own;
    const config = own ?? {};
    if (kind === 'Pooling') {
      pooling = poolingOf(files, config);
      includePrompt = config['include_prompt'] !== false;
      continue;
    }
    if (kind !== 'Dropout') checkModule(files, type, config);
    modules.push({ kind, type, folder, config });
  }
  return { pooling, includePrompt, modules, files: found };
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

/** Whether config.json describes a language model. */
export function isLanguageModel(config: unknown): boolean {
  return /(ForCausalLM|LMHeadModel)$/.test(className(isObject(config) ? config : {}) ?? '');
}

/** What modules call the vector of a text. */
const vectorName = 'sentence_embedding';

/** Refuses a module behind the pooling that works on anything but the vector of a text. */
export function checkModule(files: Source, type: unknown, config: JsonObject): void {
  const { module_input_name: input = vectorName, module_output_name: output } = config;
  if (input === vectorName && (output ?? input) === vectorName) return;
  throw unsupported(files, `the module ${show(type)} works on ${show(input)}`);
}

/** The class of torch.nn that a file names; undefined for any other. */
export function torchClass(name: unknown): string | undefined {
  return /^torch\.nn\.(?:modules\.\w+\.)?(\w+)$/.exec(String(name))?.[1];
}

/** The files of a folder. */
export function within(files: Source, folder: string): Source {
  const path = (file: string): string => `${folder}/${file}`;
  const { name } = files;
  return {
    name: name === undefined ? folder : `${name}/${folder}`,
    read: (file, range, signal) => files.read(path(file), range, signal),
    size: async (file, signal) => files.size?.(path(file), signal),
    finish: async (file, signal) => files.finish?.(path(file), signal),
  };
}

export function unsupported(
  files: Source,
  what: string,
  next: string = 'Use feature-extraction with a pooling of your own, or another checkpoint.',
): TransformerError {
  return new TransformerError(
    'MODEL_UNSUPPORTED',
    `${describeFile(files, 'This sentence-transformers checkpoint')}: ${what}, which is not supported. ${next}`,
  );
}

/** Vectors that do not fit the module behind them. */
export function wrongSize(
  files: Source,
  folder: string,
  [wanted, given]: readonly [number, number],
): TransformerError {
  return new TransformerError(
    'FILE_INVALID',
    `${describeFile(files, `${folder}/config.json`)} is for vectors of ${wanted} numbers, but those before it have ` +
      `${given}. Check the order of modules.json.`,
  );
}
