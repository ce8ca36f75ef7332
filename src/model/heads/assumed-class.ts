// The class of a checkpoint whose config.json names none: one with the head that a task needs, else the one
// that the weights show.

import { TransformerError } from '../../runtime/errors.ts';
import type { Config } from '../config.ts';

type HasTensor = (name: string) => boolean;

interface Family {
  /** What the names of its classes begin with. */
  readonly prefix: string;
  /** What they end with, the base model last. */
  readonly ends: readonly string[];
  /** The end of the class that has these weights. */
  readonly shown: (has: HasTensor, config: Config) => string;
}

const encoderEnds = [
  'ForMaskedLM',
  'ForSequenceClassification',
  'ForTokenClassification',
  'ForQuestionAnswering',
  'Model',
];

function encoder(prefix: string): Family {
  const shown = (has: HasTensor): string => {
    const hasOne = (...names: readonly string[]): boolean => names.some(has);
    const masked = ['cls.predictions.transform.dense', 'lm_head.dense', 'vocab_transform'];
    if (hasOne(...masked.map((name) => `${name}.weight`))) return 'ForMaskedLM';
    if (has('qa_outputs.weight')) return 'ForQuestionAnswering';
    if (hasOne('classifier.dense.weight', 'pre_classifier.weight')) {
      return 'ForSequenceClassification';
    }
    if (!has('classifier.weight')) return 'Model';
    // Classifiers of tokens have no pooler.
    return has('bert.pooler.dense.weight') ? 'ForSequenceClassification' : 'ForTokenClassification';
  };
  return { prefix, ends: encoderEnds, shown };
}

function decoder(prefix: string, tied: boolean, language = 'ForCausalLM'): Family {
  const shown = (has: HasTensor, config: Config): string => {
    if (has('score.weight')) return 'ForSequenceClassification';
    const isTied = config.boolean('tie_word_embeddings', tied);
    return isTied || has('lm_head.weight') ? language : 'Model';
  };
  return { prefix, ends: [language, 'ForSequenceClassification', 'Model'], shown };
}

const families: Readonly<Record<string, Family>> = {
  bart: {
    prefix: 'Bart',
    ends: ['ForConditionalGeneration', 'ForSequenceClassification', 'Model'],
    shown: (has) =>
      has('classification_head.dense.weight')
        ? 'ForSequenceClassification'
        : 'ForConditionalGeneration',
  },
  bert: encoder('Bert'),
  distilbert: encoder('DistilBert'),
  gemma2: decoder('Gemma2', true),
  gemma3_text: decoder('Gemma3', true),
  gpt2: decoder('GPT2', true, 'LMHeadModel'),
  llama: decoder('Llama', false),
  marian: { prefix: 'Marian', ends: ['MTModel', 'Model'], shown: () => 'MTModel' },
  mistral: decoder('Mistral', false),
  qwen2: decoder('Qwen2', false),
  qwen3: decoder('Qwen3', false),
  roberta: encoder('Roberta'),
  t5: {
    prefix: 'T5',
    ends: ['ForConditionalGeneration', 'EncoderModel', 'Model'],
    shown: (has) =>
      has('decoder.final_layer_norm.weight') ? 'ForConditionalGeneration' : 'EncoderModel',
  },
  'xlm-roberta': encoder('XLMRoberta'),
};

/**
 * The class to take a checkpoint as, of which a warning tells; undefined for architectures without classes.
 * `ends`: the ends of the classes that fit the task, none where the base model does; undefined without one.
 * @throws TransformerError MODEL_UNSUPPORTED where the architecture has no such class
 */
export function assumeClass(
  config: Config,
  has: HasTensor,
  ends: readonly string[] | undefined,
): string | undefined {
  const type = config.get('model_type');
  const family = typeof type === 'string' ? families[type] : undefined;
  if (family === undefined) return undefined;
  const { prefix, ends: known, shown } = family;
  const weights = shown(has, config);
  // An encoder alone is a base model, too.
  const base = weights === 'EncoderModel' ? weights : 'Model';
  const wanted = ends?.length === 0 ? [base] : ends;
  const end = wanted === undefined ? weights : wanted.find((each) => known.includes(each));
  if (end === undefined) {
    throw new TransformerError(
      'MODEL_UNSUPPORTED',
      `${config.file} names no "architectures", and "${String(type)}" has no class …` +
        `${wanted?.join(' or …') ?? ''}, which this task needs. Load another checkpoint.`,
    );
  }
  const why = wanted === undefined ? 'as its weights show' : 'as the task needs';
  config.warn(`"architectures" names no class; it is taken as ${prefix}${end}, ${why}.`);
  return prefix + end;
}
