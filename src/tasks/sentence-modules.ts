// How a sentence-transformers checkpoint makes its embeddings: modules.json and the files it names.
// A checkpoint without modules.json pools by the mean, as sentence-transformers does.

import { isObject, type JsonObject, show } from '../source/json.ts';
import { describeFile, readJson, type Source } from '../source/source.ts';
import { TransformerError } from '../runtime/errors.ts';
import type { Pooling } from './pooling.ts';

export interface SentenceModules {
  readonly pooling: readonly Pooling[];
  readonly normalize: boolean;
  /** Tokens that count of a text, where the checkpoint says so. */
  readonly maxLength: number | undefined;
  readonly lowerCase: boolean;
  /** Stands before each text. */
  readonly prompt: string;
  readonly similarity: 'cosine' | 'dot';
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
  let pooling: readonly Pooling[] = ['mean'];
  let normalize = false;
  let folder = '';
  for (const { type, path } of modules) {
    const kind = String(type).split('.').at(-1) ?? '';
    if (kind === 'Transformer') folder = text(path);
    else if (kind === 'Pooling')
      pooling = poolingOf(files, await read([text(path), 'config.json'].filter(Boolean).join('/')));
    else if (kind === 'Normalize') normalize = true;
    else {
      throw unsupported(files, `modules.json names the module ${show(type)}`);
    }
  }
  if (folder !== '')
    throw unsupported(files, `modules.json has the model in the folder "${folder}"`);
  const settings = await read('sentence_bert_config.json');
  const general = await read('config_sentence_transformers.json');
  const { prompts, default_prompt_name: prompt, similarity_fn_name: similarity } = general;
  const maxLength = settings['max_seq_length'];
  if ((similarity ?? 'cosine') !== 'cosine' && similarity !== 'dot') {
    throw unsupported(files, `similarity_fn_name is ${show(similarity)}`);
  }
  return {
    pooling,
    normalize,
    maxLength: typeof maxLength === 'number' ? maxLength : undefined,
    lowerCase: settings['do_lower_case'] === true,
    prompt: isObject(prompts) ? text(prompts[text(prompt)]) : '',
    similarity: similarity === 'dot' ? 'dot' : 'cosine',
  };
}

function poolingOf(files: Source, config: JsonObject): readonly Pooling[] {
  const known = Object.entries(poolings);
  const mode = config['pooling_mode'];
  if (config['include_prompt'] === false)
    throw unsupported(files, 'the pooling leaves out prompts');
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

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function unsupported(files: Source, what: string): TransformerError {
  return new TransformerError(
    'MODEL_UNSUPPORTED',
    `${describeFile(files, 'This sentence-transformers checkpoint')}: ${what}, which is not ` +
      'supported. Use feature-extraction with a pooling of your own, or another checkpoint.',
  );
}
