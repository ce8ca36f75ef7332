// What models of speech learn: the features of sounds, and their texts as labels, with the tokens that a text of Whisper
// begins with (Radford et al., 2022, §2.3), or letter by letter for CTC (Graves et al., 2006).

import { FeatureExtractor } from '../../audio/feature-extractor.ts';
import { className } from '../../model/heads/head-name.ts';
import { readConfigs } from '../../model/read-configs.ts';
import { initialTokens } from '../../model/speech/initial-tokens.ts';
import { speechTokens } from '../../model/speech/speech-options.ts';
import { refuseUnknown, TransformerError } from '../../runtime/errors.ts';
import { show } from '../../runtime/print.ts';
import { isObject, type JsonObject } from '../../source/json.ts';
import {
  type ModelSource,
  openSource,
  type SourceOptions,
  sourceOptions,
} from '../../source/open-source.ts';
import { readJson, type Source } from '../../source/source.ts';
import { Tokenizer } from '../../tokenizer/tokenizer.ts';
import { checkTexts, invalidOption } from '../check.ts';

/** How texts become labels of sounds. */
export interface SpeechLabelOptions {
  /** What is spoken, for models of several languages: `fr` or `french`. */
  language?: string;
  /** Whether the text is what is said (default), or that in English; for models that do both. */
  task?: 'transcribe' | 'translate';
}

/** What stands between sounds with texts and a model of speech. */
export interface SpeechProcessor {
  /** Sound to what the model takes. */
  readonly featureExtractor: FeatureExtractor;
  /**
   * The labels of a text: tokens of Whisper, from the language to the end token, or of CTC its letters.
   * @throws TransformerError INPUT_INVALID for what the model cannot write, OPTION_*
   */
  labels(text: string, options?: SpeechLabelOptions): Promise<number[]>;
}

type Labels = SpeechProcessor['labels'];

/**
 * Loads the feature extractor and the tokenizer of a model of speech: Whisper, wav2vec 2.0 or HuBERT with CTC.
 * @throws TransformerError FILE_*, CONFIG_INVALID, OPTION_*, ABORTED; MODEL_UNSUPPORTED for other models
 */
export async function loadSpeechProcessor(
  source: ModelSource,
  options: SourceOptions & { signal?: AbortSignal } = {},
): Promise<SpeechProcessor> {
  refuseUnknown(options, ['signal', ...sourceOptions], 'option of loadSpeechProcessor');
  const { signal, ...own } = options;
  const files = openSource(source, own);
  try {
    const labels = await labelsOf(files, signal);
    return { featureExtractor: await FeatureExtractor.load(files, signal), labels };
  } finally {
    files.release?.();
  }
}

async function labelsOf(files: Source, signal: AbortSignal | undefined): Promise<Labels> {
  const { config, generation } = await readConfigs(files, signal);
  const name = className(config);
  if (config['model_type'] === 'whisper' && name?.endsWith('Classification') !== true) {
    return whisperLabels(await Tokenizer.load(files, signal), { config, generation });
  }
  if (name?.endsWith('ForCTC') === true) {
    const settings = await readJson(files, 'tokenizer_config.json', { signal });
    const isLower = isObject(settings) && settings['do_lower_case'] === true;
    return letterLabels(await Tokenizer.load(files, signal), isLower);
  }
  throw new TransformerError(
    'MODEL_UNSUPPORTED',
    `config.json names ${show(name ?? config['model_type'])}; wanted Whisper, or wav2vec 2.0 or HuBERT with CTC.`,
  );
}

interface Configs {
  readonly config: JsonObject;
  readonly generation: JsonObject;
}

function whisperLabels(tokenizer: Tokenizer, { config, generation }: Configs): Labels {
  const { vocab_size: size, max_target_positions: positions } = config;
  const tokens = speechTokens(generation, config, typeof size === 'number' ? size : 51_865);
  const most = typeof positions === 'number' ? positions : 448;
  const languages = [...(tokens.languages?.keys() ?? [])].map((token) => token.slice(2, -2));
  return async (text, options = {}) => {
    const { language, task } = checkLabelOptions(tokenizer, text, options);
    const [prompt = []] = await initialTokens(
      tokens,
      { languages: [language], task, timestamps: false },
      () => {
        throw new TransformerError(
          'OPTION_INVALID',
          `The language is missing, which a text of this model begins with. Pass language, one of ${languages.join(', ')}.`,
        );
      },
    );
    const said = tokenizer.encode(text, undefined, { addSpecialTokens: false });
    // The model puts its start token before the labels.
    const labels = [...prompt.slice(1), ...said, ...(tokens.end === undefined ? [] : [tokens.end])];
    if (labels.length <= most) return labels;
    throw new TransformerError(
      'INPUT_INVALID',
      `${show(text)} has ${labels.length} tokens; the model has ${most} positions. Cut sound and text into parts.`,
    );
  };
}

/** As `Wav2Vec2CTCTokenizer` reads texts, but that letters which no label stands for are refused. */
function letterLabels(tokenizer: Tokenizer, isLower: boolean): Labels {
  return async (text, options = {}) => {
    const { language, task } = checkLabelOptions(tokenizer, text, options);
    if (language !== undefined || task !== undefined) {
      throw invalidOption(
        'language or task',
        language ?? task,
        'none of a model that writes letters',
      );
    }
    const read = isLower ? text.toUpperCase() : text;
    const { ids, offsets } = tokenizer.encoding(read, undefined, { addSpecialTokens: false });
    const unknown = ids.indexOf(tokenizer.unkToken ?? -1);
    if (unknown === -1) return ids;
    const letters = [...tokenizer.vocabulary()].filter((token) => /^.$/u.test(token));
    throw new TransformerError(
      'INPUT_INVALID',
      `${show(text)} has ${show(read.slice(...(offsets[unknown] ?? [0, 0])))}, which is none of the letters of the model, ` +
        `${letters.slice(0, 40).join(' ')}. Write it with these.`,
    );
  };
}

function checkLabelOptions(
  tokenizer: Tokenizer,
  text: unknown,
  options: SpeechLabelOptions,
): SpeechLabelOptions {
  refuseUnknown(options, ['language', 'task'], 'option of labels');
  checkTexts(tokenizer, { text });
  const { language, task } = options;
  if (language !== undefined && typeof language !== 'string') {
    throw invalidOption('language', language, 'a name or code, such as fr');
  }
  if (task !== undefined && !['transcribe', 'translate'].includes(task)) {
    throw invalidOption('task', task, "'transcribe' or 'translate'");
  }
  if (String(text).trim() !== '') return options;
  throw new TransformerError('INPUT_INVALID', 'The text is empty. Leave the sound out, or say it.');
}
