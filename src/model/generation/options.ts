// What a call of `generate` may ask for: Hugging Face's names in camelCase, their defaults and limits.

import type { BiasedSequence } from '../../shaders/choice/token-rules.ts';
import type { PointEdit } from '../points/point-options.ts';

/**
 * Options of `generate` and `stream`. What is not given is as in generation_config.json, or in
 * config.json where there is no such file; null stands for the default in spite of the files.
 */
export interface GenerateOptions {
  /**
   * Tokens to generate at most, without the prompt or start token. Comes before `maxLength`. Where
   * neither the call nor the files say how many: 20, or fewer where the model's positions end.
   */
  maxNewTokens?: number | null;
  /** Tokens of a sequence at most, with the prompt or start token. */
  maxLength?: number | null;
  /** Tokens before an end token at least, without the prompt. Comes before `minLength`. */
  minNewTokens?: number | null;
  /** Tokens before an end token at least, with the prompt. */
  minLength?: number | null;
  /** Sequences that are followed at once: 1 for greedy search and sampling, else beam search. */
  numBeams?: number | null;
  /** Whether tokens are drawn at random. By default the 50 best ones take part: see `topK`. */
  doSample?: boolean | null;
  /** Sequences for each input: as many draws, or the best of the beams. */
  numReturnSequences?: number | null;
  /** The draws of one device are the same for the same seed. At random by default. */
  seed?: number | null;
  /** Divides the logits: draws below 1 keep to likely tokens. */
  temperature?: number | null;
  /** Only so many of the best tokens are drawn from; 0 for all. */
  topK?: number | null;
  /** Only the best tokens that together have this probability are drawn from. */
  topP?: number | null;
  /** Only tokens that have this part of the best one's probability are drawn from. */
  minP?: number | null;
  /** Only the most typical tokens that together have this probability are drawn from. */
  typicalP?: number | null;
  /** Only tokens at least this probable are drawn from. */
  epsilonCutoff?: number | null;
  /** The same, less where the next token is uncertain. */
  etaCutoff?: number | null;
  /** Makes tokens that came before less likely, above 1. */
  repetitionPenalty?: number | null;
  /** Makes tokens of the source more likely, above 1. */
  encoderRepetitionPenalty?: number | null;
  /** Taken off the logits of generated tokens. */
  presencePenalty?: number | null;
  /** Taken off the logits of generated tokens as often as they came. */
  frequencyPenalty?: number | null;
  /** No sequence of so many tokens comes twice; 0 for no limit. */
  noRepeatNgramSize?: number | null;
  /** No sequence of so many tokens of the source comes; 0 for no limit. */
  encoderNoRepeatNgramSize?: number | null;
  /** Sequences of tokens that must not come. */
  badWordsIds?: readonly (readonly number[])[] | null;
  /** Sequences of tokens, and what is added to the score of the last one where the others came. */
  sequenceBias?: readonly BiasedSequence[] | null;
  /** Tokens that must not come. */
  suppressTokens?: readonly number[] | null;
  /** Tokens that must not come first. */
  beginSuppressTokens?: readonly number[] | null;
  /** The first token after the start token. */
  forcedBosTokenId?: number | null;
  /** The last token of a sequence that reaches its greatest length. */
  forcedEosTokenId?: number | readonly number[] | null;
  /** From so many generated tokens on, ends become more likely by this factor for each token. */
  exponentialDecayLengthPenalty?: readonly [start: number, factor: number] | null;
  /** Beams: scores are divided by the number of tokens to this power. */
  lengthPenalty?: number | null;
  /** Beams: whether to stop at as many ends as beams; 'never' stops when none can become better. */
  earlyStopping?: boolean | 'never' | null;
  /** Beams: whether processed log-probabilities are made to add up to 1 again. */
  renormalizeLogits?: boolean | null;
  /** Tokens that end a sequence. */
  eosTokenId?: number | readonly number[] | null;
  /** What follows the end of a sequence. */
  padTokenId?: number | null;
  /** What target sequences begin with where nothing says `decoderStartTokenId`. */
  bosTokenId?: number | null;
  /** What target sequences begin with. */
  decoderStartTokenId?: number | null;
  /** null goes on in spite of `stop_strings` in the files, which pipelines stop at: they know texts. */
  stopStrings?: null;
  /**
   * Says of each sequence, prompt included, whether it ends here; called after every token. Of beams
   * it is asked about the continuations that may become beams.
   */
  stoppingCriteria?: (sequences: number[][]) => boolean[];
  /**
   * What to change on the way at named points, positions counted through the prompt and what follows. Not of calls that
   * go together.
   */
  edit?: readonly PointEdit[];
  /** Cancels the call, which then rejects with `ABORTED`. */
  signal?: AbortSignal;
}

/** A number's default, least and greatest value. */
export type Limits = readonly [preset: number, least: number, most: number];

/** Options that are whole numbers. */
export type Whole =
  | 'numBeams'
  | 'numReturnSequences'
  | 'noRepeatNgramSize'
  | 'encoderNoRepeatNgramSize'
  | 'topK';

/** Options that are any numbers. */
export type Real =
  | 'temperature'
  | 'topP'
  | 'minP'
  | 'typicalP'
  | 'epsilonCutoff'
  | 'etaCutoff'
  | 'repetitionPenalty'
  | 'encoderRepetitionPenalty'
  | 'presencePenalty'
  | 'frequencyPenalty'
  | 'lengthPenalty';

const tiny = 1e-30;
const large = 2 ** 31;

export const wholes: Readonly<Record<Whole, Limits>> = {
  numBeams: [1, 1, 128],
  numReturnSequences: [1, 1, large],
  noRepeatNgramSize: [0, 0, large],
  encoderNoRepeatNgramSize: [0, 0, large],
  topK: [50, 0, large],
};

export const reals: Readonly<Record<Real, Limits>> = {
  temperature: [1, tiny, Infinity],
  topP: [1, 0, 1],
  minP: [0, 0, 1],
  typicalP: [1, tiny, 1],
  epsilonCutoff: [0, 0, 0.9999],
  etaCutoff: [0, 0, 0.9999],
  repetitionPenalty: [1, tiny, Infinity],
  encoderRepetitionPenalty: [1, tiny, Infinity],
  presencePenalty: [0, -Infinity, Infinity],
  frequencyPenalty: [0, -Infinity, Infinity],
  lengthPenalty: [1, -Infinity, Infinity],
};

/** Options of sampling: without it they would change nothing. */
export const samplingOptions: readonly (Whole | Real)[] = [
  'temperature',
  'topK',
  'topP',
  'minP',
  'typicalP',
  'epsilonCutoff',
  'etaCutoff',
];

/** The names of all options. */
export const optionNames: readonly (keyof GenerateOptions)[] = [
  'maxNewTokens',
  'maxLength',
  'minNewTokens',
  'minLength',
  ...(Object.keys(wholes) as Whole[]),
  ...(Object.keys(reals) as Real[]),
  'seed',
  'doSample',
  'badWordsIds',
  'sequenceBias',
  'suppressTokens',
  'beginSuppressTokens',
  'forcedBosTokenId',
  'forcedEosTokenId',
  'exponentialDecayLengthPenalty',
  'earlyStopping',
  'renormalizeLogits',
  'eosTokenId',
  'padTokenId',
  'bosTokenId',
  'decoderStartTokenId',
  'stoppingCriteria',
  'signal',
];

/** What Hugging Face has besides, with the one value that changes nothing here. */
export const unsupported: Readonly<Record<string, unknown>> = {
  numBeamGroups: 1,
  diversityPenalty: 0,
  penaltyAlpha: 0,
  guidanceScale: 1,
  forceWordsIds: null,
  constraints: null,
  forcedDecoderIds: null,
  tokenHealing: false,
  watermarkingConfig: null,
  dolaLayers: null,
  promptLookupNumTokens: null,
  maxTime: null,
  topH: null,
};
