// The files of a tokenizer: tokenizer.json, or the vocabulary files of older checkpoints, which
// tokenizer-vocabulary.ts brings to the same form.

import { isObject, type JsonObject, show } from '../source/json.ts';
import { describeFile, readJson, type Source } from '../source/source.ts';
import { TransformerError } from '../runtime/errors.ts';
import type { TextTools } from './normalize.ts';
import { addedTokens } from './specials.ts';

/** What tokenizer.json and tokenizer_config.json say. */
export interface TokenizerFiles {
  /** The file that `tokenizer` comes from. */
  readonly file: string;
  readonly tokenizer: JsonObject;
  readonly config: JsonObject;
  readonly tools?: TextTools;
}

/** Reads a tokenizer's files; throws `FILE_NOT_FOUND` with what is missing and how to get it. */
export async function readTokenizerFiles(
  files: Source,
  signal: AbortSignal | undefined,
): Promise<TokenizerFiles> {
  const read = (file: string): Promise<JsonObject | undefined> => readObject(files, file, signal);
  const [tokenizer, own = {}, modelConfig = {}] = await Promise.all([
    read('tokenizer.json'),
    read('tokenizer_config.json'),
    read('config.json'),
  ]);
  // Newer files have it all; of older ones special_tokens_map.json has the last word.
  const isComplete = 'added_tokens_decoder' in own || 'backend' in own;
  const map = isComplete ? undefined : await read('special_tokens_map.json');
  const config = { ...own, ...map };
  if (tokenizer !== undefined) {
    const complete = complement(tokenizer);
    const named = config['tokenizer_class'] ?? modelConfig['tokenizer_class'];
    // Many tokenizers are what tokenizer.json says; what classes do is loaded with the first that has one.
    const isPlain = typeof named === 'string' && /^(PreTrained|TokenizersBackend)/.test(named);
    const built =
      isPlain && modelConfig['model_type'] !== 'qwen2'
        ? undefined
        : (await import('./class.ts')).rebuilt(complete, config, modelConfig);
    const made = built ?? asItIs(complete, config);
    return { file: 'tokenizer.json', ...made, tools: await toolsFor(made.tokenizer) };
  }
  // Few checkpoints are so old: what builds their tokenizer is loaded with the first of them.
  const { fromVocabularyFiles } = await import('./vocabulary.ts');
  const made = await fromVocabularyFiles(files, read, config, modelConfig, signal);
  return { ...made, tools: await toolsFor(made.tokenizer) };
}

/** The code that the rules of a tokenizer need. */
async function toolsFor(tokenizer: JsonObject): Promise<TextTools> {
  const { normalizer, pre_tokenizer: split, decoder } = tokenizer;
  const rules = JSON.stringify([normalizer, split, decoder]);
  return {
    precompiled: rules.includes('"Precompiled"')
      ? (await import('./charsmap.ts')).precompiledMap
      : undefined,
    regex: rules.includes('"Regex"')
      ? (await import('./pattern-matcher.ts')).compileRegex
      : undefined,
  };
}

async function readObject(
  files: Source,
  file: string,
  signal: AbortSignal | undefined,
): Promise<JsonObject | undefined> {
  const value = await readJson(files, file, { signal });
  if (value === undefined || isObject(value)) return value;
  throw new TransformerError(
    'FILE_INVALID',
    `${describeFile(files, file)} is ${show(value)}; wanted a JSON object. Download the file again.`,
  );
}

/** tokenizer.json with the keys that may be left out: old files do not name the kind of model. */
function complement(tokenizer: JsonObject): JsonObject {
  const { model } = tokenizer;
  return {
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
    decoder: null,
    ...tokenizer,
    ...(isObject(model) && { model: { type: kindOf(model), ...model } }),
  };
}

function kindOf(model: JsonObject): string {
  if (Array.isArray(model['vocab'])) return 'Unigram';
  if ('merges' in model) return 'BPE';
  return 'max_input_chars_per_word' in model ? 'WordPiece' : 'WordLevel';
}

function asItIs(tokenizer: JsonObject, config: JsonObject): Omit<TokenizerFiles, 'file'> {
  const added_tokens = addedTokens(tokenizer, config, false);
  return { tokenizer: { ...tokenizer, added_tokens }, config };
}
