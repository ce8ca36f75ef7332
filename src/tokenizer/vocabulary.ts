// tokenizer.json for checkpoints that only have the vocabulary files of their time: vocab.txt of
// BERT (Devlin et al. 2019), vocab.json and merges.txt of GPT-2 (Radford et al. 2019) and RoBERTa
// (Liu et al. 2019) and CLIP (Radford et al. 2021), and vocab.json alone of wav2vec 2.0. The same object that Hugging Face's conversion writes.

import { TransformerError } from '../runtime/errors.ts';
import { type JsonObject, show } from '../source/json.ts';
import { describeFile, fileExists, notFound, readFile, type Source } from '../source/source.ts';
import { build, type TokenizerJson } from './class.ts';
import type { TokenizerFiles } from './files.ts';
import { namedTokens, tokenText } from './specials.ts';

/** SentencePiece models: only Python reads them. */
const sentencePiece = ['spiece.model', 'sentencepiece.bpe.model', 'tokenizer.model', 'source.spm'];

/** A tokenizer from vocabulary files. Errors: FILE_NOT_FOUND, with what is missing and how to get it. */
export async function fromVocabularyFiles(
  files: Source,
  read: (file: string) => Promise<JsonObject | undefined>,
  config: JsonObject,
  modelConfig: JsonObject,
  signal: AbortSignal | undefined,
): Promise<TokenizerFiles> {
  const text = async (file: string): Promise<string | undefined> => {
    const bytes = await readFile(files, file, { signal });
    return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
  };
  const words = await text('vocab.txt');
  const vocabulary = words === undefined ? await read('vocab.json') : undefined;
  const merges = vocabulary === undefined ? undefined : await text('merges.txt');
  const family = tokenizerFamily(config, modelConfig);
  const added = async (): Promise<JsonObject> => (await read('added_tokens.json')) ?? {};
  if (words === undefined && merges === undefined) {
    if (vocabulary === undefined || family !== 'wav2vec2') {
      throw await missing(files, modelConfig, signal);
    }
    const { fromCharacters } = await import('./characters.ts');
    return { file: 'vocab.json', ...fromCharacters(vocabulary, await added(), config) };
  }

  if (words !== undefined && family === 'bert') {
    return { file: 'vocab.txt', ...fromWordList(words, await added(), config) };
  }
  const merging = mergingClasses[family ?? ''];
  if (merges !== undefined && merging !== undefined) {
    const built = fromMerges(vocabulary ?? {}, merges, await added(), config, merging);
    return { file: 'vocab.json', ...built };
  }
  const file = words === undefined ? 'vocab.json' : 'vocab.txt';
  throw new TransformerError(
    'MODEL_UNSUPPORTED',
    `There is ${describeFile(files, file)} but no tokenizer.json, and the tokenizer's class is ` +
      `${show(config['tokenizer_class'] ?? family ?? null)}; only those of BERT, GPT-2, RoBERTa ` +
      `and CLIP can be built from it. ${saveIt}`,
  );
}

const saveIt =
  'Make tokenizer.json in Python: AutoTokenizer.from_pretrained(folder).save_pretrained(folder).';

/** The error of a folder without a tokenizer that can be read. */
async function missing(
  files: Source,
  { model_type: type }: JsonObject,
  signal: AbortSignal | undefined,
): Promise<TransformerError> {
  const found: string[] = [];
  for (const file of sentencePiece) {
    if (await fileExists(files, file, signal)) found.push(file);
  }
  const [file] = found;
  if (file === undefined) {
    return notFound(files, ['tokenizer.json', 'vocab.txt', 'vocab.json with merges.txt']);
  }
  const [family, copies] = file.endsWith('.spm') ? ['Marian', 'opus-mt-…'] : ['SigLIP', 'siglip-…'];
  const isWritten = family === 'SigLIP' && type !== 'siglip';
  const how = isWritten
    ? saveIt
    : `Python does not write one for ${family} either: take tokenizer.json from a copy of this ` +
      `checkpoint that was converted for transformers.js (Xenova/${copies} on the Hugging Face Hub).`;
  return new TransformerError(
    'FILE_NOT_FOUND',
    `${describeFile(files, file)} is a SentencePiece model; wanted tokenizer.json. ${how}`,
  );
}

/** Tokenizers that are alike, by the start of the class name or the model type. */
const families: Readonly<Record<string, string>> = {
  bert: 'bert convbert distilbert electra layoutlm mobilebert squeezebert',
  clip: 'clip clip_text_model',
  gpt2: 'gpt2 gpt_neo gptneo opt',
  roberta: 'roberta bart longformer led',
  wav2vec2: 'wav2vec2 wav2vec2ctc hubert',
};

/** The classes that vocab.json and merges.txt make, by family. */
const mergingClasses: Readonly<Record<string, string>> = {
  clip: 'CLIPTokenizer',
  gpt2: 'GPT2Tokenizer',
  roberta: 'RobertaTokenizer',
};

/** The family of `tokenizer_class`, else of `model_type`; a name of no family as it is. */
function tokenizerFamily(config: JsonObject, modelConfig: JsonObject): string | undefined {
  const named = config['tokenizer_class'] ?? modelConfig['tokenizer_class'];
  const own = typeof named === 'string' && !named.startsWith('PreTrained');
  const name = own ? named.replace(/Tokenizer(Fast)?$/, '') : modelConfig['model_type'];
  if (typeof name !== 'string') return undefined;
  const known = Object.keys(families).find((family) =>
    families[family]?.split(' ').includes(name.toLowerCase()),
  );
  return known ?? name;
}

/** A WordPiece tokenizer from vocab.txt: a token a line. */
function fromWordList(words: string, added: JsonObject, config: JsonObject): TokenizerJson {
  const lines = words.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  const vocab = Object.fromEntries(lines.map((token, id) => [token, id]));
  return fromVocabulary('BertTokenizer', { type: 'WordPiece', vocab }, added, config);
}

/** A byte-level BPE tokenizer from vocab.json (token to id) and merges.txt (a pair a line). */
function fromMerges(
  vocab: JsonObject,
  merges: string,
  added: JsonObject,
  config: JsonObject,
  name: string,
): TokenizerJson {
  const lines = merges.split(/\r?\n/);
  const model = {
    type: 'BPE',
    vocab,
    merges: lines.filter((line) => line !== '' && !line.startsWith('#version')),
  };
  return fromVocabulary(name, model, added, config);
}

/** With the tokens of added_tokens.json, of which those that the configuration names are special. */
function fromVocabulary(
  name: string,
  model: JsonObject,
  added: JsonObject,
  config: JsonObject,
): TokenizerJson {
  const { extra_special_tokens: extra = config['additional_special_tokens'] } = config;
  const special = new Set([
    ...Object.values(namedTokens(config)),
    ...(Array.isArray(extra) ? extra.map(tokenText) : []),
  ]);
  const tokens = Object.entries(added).toSorted(([, a], [, b]) => Number(a) - Number(b));
  const added_tokens = tokens.map(([content, id]) => {
    const isSpecial = special.has(content);
    return { id, content, normalized: !isSpecial, special: isSpecial };
  });
  return build(name, { model, added_tokens }, config);
}
