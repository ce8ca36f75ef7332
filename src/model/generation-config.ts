// The settings of one generation: the call's options over generation_config.json over config.json.

import { refuseUnknown, TransformerError } from '../runtime/errors.ts';
import type { JsonObject } from './json.ts';

/** Options of `generate` and `stream`. This version decodes greedily; others are refused. */
export interface GenerateOptions {
  /** Tokens to generate at most, without the prompt or start token. */
  maxNewTokens?: number;
  /** Tokens of a sequence at most, with the prompt or start token. */
  maxLength?: number;
  /** Only 1, greedy search, is supported. */
  numBeams?: number;
  /** Only false is supported. */
  doSample?: boolean;
  /** Token id lists that must not appear; only lists of one id are supported. */
  badWordsIds?: readonly (readonly number[])[];
  /** Token ids that must not appear. */
  suppressTokens?: readonly number[];
  /** The first token after the start token. */
  forcedBosTokenId?: number;
  /** The last token of a sequence that reaches its greatest length. */
  forcedEosTokenId?: number;
  signal?: AbortSignal;
}

export interface GenerationSettings {
  readonly startToken: number;
  readonly padToken: number;
  readonly endTokens: ReadonlySet<number>;
  readonly suppressed: ReadonlySet<number>;
  readonly firstToken: number | undefined;
  readonly lastToken: number | undefined;
  /** Tokens of a sequence at most, prompt included. */
  readonly maxLength: number;
}

const supported = [
  'maxNewTokens',
  'maxLength',
  'numBeams',
  'doSample',
  'badWordsIds',
  'suppressTokens',
  'forcedBosTokenId',
  'forcedEosTokenId',
  'signal',
];

/** Settings that change what is generated, with the one value that greedy search honours. */
const greedyOnly: Readonly<Record<string, unknown>> = {
  num_beams: 1,
  num_beam_groups: 1,
  do_sample: false,
  repetition_penalty: 1,
  encoder_repetition_penalty: 1,
  no_repeat_ngram_size: 0,
  encoder_no_repeat_ngram_size: 0,
  min_length: 0,
  min_new_tokens: 0,
  num_return_sequences: 1,
  penalty_alpha: 0,
  guidance_scale: 1,
};

/** Ignored without effect on greedy search: they shape sampling or beams, which must be on first. */
const withoutEffect = [
  'temperature',
  'topK',
  'topP',
  'minP',
  'lengthPenalty',
  'earlyStopping',
  'seed',
];

/**
 * Settings for a call. `prompt` is the number of tokens each sequence starts with.
 * Errors: OPTION_UNKNOWN, OPTION_INVALID.
 */
export function generationSettings(
  options: GenerateOptions,
  file: JsonObject,
  prompt: number,
  { vocabulary, maxPositions }: { vocabulary: number; maxPositions: number },
): GenerationSettings {
  const refusable = [...Object.keys(greedyOnly).map(camelCase), ...withoutEffect];
  refuseUnknown(options, [...supported, ...refusable], 'option of generate');
  for (const name of withoutEffect) {
    if ((options as JsonObject)[name] === undefined) continue;
    throw unsupported(name, 'works with sampling or beam search only, which this version lacks');
  }
  for (const [name, neutral] of Object.entries(greedyOnly)) {
    const option = camelCase(name);
    const asked = (options as JsonObject)[option];
    const value = asked ?? file[name] ?? neutral;
    if (value === neutral || value === null) continue;
    const where = asked === undefined ? 'in generation_config.json ' : '';
    throw unsupported(
      option,
      `${JSON.stringify(value)} ${where}is not supported yet`,
      `Pass ${option}: ${JSON.stringify(neutral)}.`,
    );
  }

  const token = (name: string, value: unknown): number => tokenId(name, value, vocabulary);
  const optional = (name: string, value: unknown): number | undefined =>
    value === undefined || value === null ? undefined : token(name, value);

  const ends = [file['eos_token_id'] ?? []].flat();
  const endTokens = new Set(ends.map((id) => token('eos_token_id', id)));
  const suppressed = new Set<number>();
  const words = options.badWordsIds ?? file['bad_words_ids'] ?? [];
  if (!Array.isArray(words)) throw unsupported('badWordsIds', 'must be a list of token id lists');
  for (const word of words as readonly unknown[]) {
    if (!Array.isArray(word) || word.length !== 1) {
      throw unsupported('badWordsIds', `${JSON.stringify(word)} is not a list of one token id`);
    }
    const id = token('badWordsIds', word[0]);
    if (!endTokens.has(id)) suppressed.add(id);
  }
  const silenced = options.suppressTokens ?? file['suppress_tokens'] ?? [];
  for (const id of [silenced].flat()) suppressed.add(token('suppressTokens', id));

  return {
    ...startTokens(file, vocabulary),
    endTokens,
    suppressed,
    firstToken: optional(
      'forcedBosTokenId',
      options.forcedBosTokenId ?? file['forced_bos_token_id'],
    ),
    lastToken: optional(
      'forcedEosTokenId',
      options.forcedEosTokenId ?? file['forced_eos_token_id'],
    ),
    maxLength: maxLength(options, file, prompt, maxPositions),
  };
}

/** What target sequences begin with, and what fills them up. Errors: OPTION_INVALID. */
export function startTokens(
  file: JsonObject,
  vocabulary: number,
): Pick<GenerationSettings, 'startToken' | 'padToken'> {
  const start = file['decoder_start_token_id'] ?? file['bos_token_id'];
  const [end = 0] = [file['eos_token_id'] ?? []].flat();
  return {
    startToken: tokenId('decoder_start_token_id', start, vocabulary),
    padToken: tokenId('pad_token_id', file['pad_token_id'] ?? end, vocabulary),
  };
}

function tokenId(name: string, value: unknown, vocabulary: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < vocabulary) {
    return value;
  }
  throw new TransformerError(
    'OPTION_INVALID',
    `${name} is ${JSON.stringify(value) ?? 'missing'}; wanted a token id from 0 to ${vocabulary - 1}.`,
  );
}

/** The greatest length of a sequence. What a caller asks for must fit; a default is cut to fit. */
function maxLength(
  { maxNewTokens, maxLength: asked }: GenerateOptions,
  file: JsonObject,
  prompt: number,
  maxPositions: number,
): number {
  // The last token is never fed back, so it needs no position.
  const most = maxPositions + 1;
  for (const [name, value] of Object.entries({ maxNewTokens, maxLength: asked })) {
    if (value === undefined) continue;
    const length = name === 'maxLength' ? value : prompt + value;
    if (Number.isSafeInteger(value) && length > prompt && length <= most) continue;
    const least = name === 'maxLength' ? prompt + 1 : 1;
    throw new TransformerError(
      'OPTION_INVALID',
      `${name} is ${value}; wanted a whole number from ${least} to ` +
        `${name === 'maxLength' ? most : most - prompt}, as the model's ${maxPositions} positions allow.`,
    );
  }
  if (maxNewTokens !== undefined) return prompt + maxNewTokens;
  if (asked !== undefined) return asked;
  const { max_new_tokens: fileNew, max_length: fileLength } = file as {
    max_new_tokens?: unknown;
    max_length?: unknown;
  };
  if (typeof fileNew === 'number') return Math.min(most, prompt + fileNew);
  return Math.min(most, Math.max(prompt + 1, typeof fileLength === 'number' ? fileLength : 20));
}

function unsupported(name: string, why: string, next = ''): TransformerError {
  return new TransformerError('OPTION_INVALID', `${name}: ${why}. ${next}`.trim());
}

function camelCase(name: string): string {
  return name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
