// The files of a tokenizer: tokenizer.json, or the vocabulary files of older checkpoints, which
// tokenizer-vocabulary.ts brings to the same form.

import { isObject, type JsonObject, show } from '../source/json.ts';
import {
  describeFile,
  fileExists,
  notFound,
  readFile,
  readJson,
  type Source,
} from '../source/source.ts';
import { TransformerError } from '../runtime/errors.ts';
import { addedTokens } from './tokenizer-specials.ts';

/** What tokenizer.json and tokenizer_config.json say. */
export interface TokenizerFiles {
  /** The file that `tokenizer` comes from. */
  readonly file: string;
  readonly tokenizer: JsonObject;
  readonly config: JsonObject;
}

/** SentencePiece models: only Python reads them. */
const sentencePiece = ['spiece.model', 'sentencepiece.bpe.model', 'tokenizer.model', 'source.spm'];

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
        : (await import('./tokenizer-class.ts')).rebuilt(complete, config, modelConfig);
    return { file: 'tokenizer.json', ...(built ?? asItIs(complete, config)) };
  }
  const text = async (file: string): Promise<string | undefined> => {
    const bytes = await readFile(files, file, { signal });
    return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
  };
  const words = await text('vocab.txt');
  const vocabulary = words === undefined ? await read('vocab.json') : undefined;
  const merges = vocabulary === undefined ? undefined : await text('merges.txt');
  if (words === undefined && merges === undefined) throw await missing(files, signal);

  // Few checkpoints are so old: what builds their tokenizer is loaded with the first of them.
  const { fromMerges, fromWordList, tokenizerFamily } = await import('./tokenizer-vocabulary.ts');
  const family = tokenizerFamily(config, modelConfig);
  const added = (await read('added_tokens.json')) ?? {};
  if (words !== undefined && family === 'bert') {
    return { file: 'vocab.txt', ...fromWordList(words, added, config) };
  }
  if (merges !== undefined && (family === 'gpt2' || family === 'roberta')) {
    const built = fromMerges(vocabulary ?? {}, merges, added, config, family);
    return { file: 'vocab.json', ...built };
  }
  const file = words === undefined ? 'vocab.json' : 'vocab.txt';
  throw new TransformerError(
    'MODEL_UNSUPPORTED',
    `There is ${describeFile(files, file)} but no tokenizer.json, and the tokenizer's class is ` +
      `${show(config['tokenizer_class'] ?? family ?? null)}; only those of BERT, GPT-2 and RoBERTa ` +
      `can be built from it. ${saveIt}`,
  );
}

const saveIt =
  'Make tokenizer.json in Python: AutoTokenizer.from_pretrained(folder).save_pretrained(folder).';

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

/** The error of a folder without a tokenizer that can be read. */
async function missing(files: Source, signal: AbortSignal | undefined): Promise<TransformerError> {
  const found: string[] = [];
  for (const file of sentencePiece) {
    if (await fileExists(files, file, signal)) found.push(file);
  }
  const [file] = found;
  if (file === undefined) {
    return notFound(files, ['tokenizer.json', 'vocab.txt', 'vocab.json with merges.txt']);
  }
  const how = file.endsWith('.spm')
    ? 'Python does not write one for Marian either: take tokenizer.json from a copy of this ' +
      'checkpoint that was converted for transformers.js (Xenova/opus-mt-… on the Hugging Face Hub).'
    : saveIt;
  return new TransformerError(
    'FILE_NOT_FOUND',
    `${describeFile(files, file)} is a SentencePiece model; wanted tokenizer.json. ${how}`,
  );
}
