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
  const [tokenizer, given = {}] = await Promise.all([
    read('tokenizer.json'),
    read('tokenizer_config.json'),
  ]);
  const complete = Object.keys(given).some((key) => /^(eos|sep|pad|unk)_token$/.test(key));
  const map = complete ? undefined : await read('special_tokens_map.json');
  const config = { ...map, ...given };
  if (tokenizer !== undefined) {
    return { file: 'tokenizer.json', tokenizer: complement(tokenizer, config), config };
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
  const family = tokenizerFamily(config, (await read('config.json')) ?? {});
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

/** tokenizer.json with the keys that may be left out, and with added tokens that only the config has. */
function complement(tokenizer: JsonObject, config: JsonObject): JsonObject {
  const { added_tokens: listed, ...rest } = tokenizer;
  const { added_tokens_decoder: more } = config;
  const added = new Map<number, unknown>();
  for (const token of Array.isArray(listed) ? (listed as unknown[]) : []) {
    if (isObject(token)) added.set(Number(token['id']), token);
  }
  for (const [id, token] of Object.entries(isObject(more) ? more : {})) {
    if (isObject(token)) added.set(Number(id), { ...token, id: Number(id) });
  }
  return {
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
    decoder: null,
    ...rest,
    added_tokens: [...added.values()],
  };
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
