// What requests say of generation, in OpenAI's names, as options of `generate`.

import { isListOf } from '../runtime/lists.ts';
import type { BiasedSequence } from '../shaders/choice/token-rules.ts';
import type { JsonObject } from '../source/json.ts';
import { wrongField } from './api-error.ts';
import type { Fields } from './fields.ts';
import type { SequenceRequest } from './scheduler.ts';

/** What both endpoints that generate take. The last three are not OpenAI's, but other servers have them. */
export const generationFields: readonly string[] = [
  'model',
  'stream',
  'stream_options',
  'n',
  'seed',
  'stop',
  'max_tokens',
  'temperature',
  'top_p',
  'presence_penalty',
  'frequency_penalty',
  'logit_bias',
  'logprobs',
  'top_k',
  'min_p',
  'repetition_penalty',
];

/** What a request wants, without its prompt. */
export interface GenerationSettings {
  readonly options: SequenceRequest['options'];
  readonly seed: number | undefined;
  /** Choices for each prompt. */
  readonly count: number;
  readonly stops: readonly string[];
  readonly stream: boolean;
  readonly includeUsage: boolean;
}

const most = { choices: 128, stops: 16, seed: 2 ** 32 - 1 } as const;

/** `config`: the settings of generation in the checkpoint's files. @throws ApiError */
export function generationSettings(fields: Fields, config: JsonObject): GenerationSettings {
  const stream = fields.flag('stream') ?? false;
  const streaming = fields.object('stream_options');
  if (streaming !== undefined && !stream) {
    throw wrongField('stream_options', 'stream_options is for requests with stream: true.');
  }
  const includeUsage = streaming?.['include_usage'] === true;
  const presencePenalty = fields.number('presence_penalty', -2, 2);
  const frequencyPenalty = fields.number('frequency_penalty', -2, 2);
  const repetitionPenalty = fields.number('repetition_penalty', 1e-3, 1e3);
  const sequenceBias = biasOf(fields);
  return {
    options: {
      ...sampling(fields, config),
      ...(presencePenalty !== undefined && { presencePenalty }),
      ...(frequencyPenalty !== undefined && { frequencyPenalty }),
      ...(repetitionPenalty !== undefined && { repetitionPenalty }),
      ...(sequenceBias !== undefined && { sequenceBias }),
      // Texts are looked at where they are made of tokens.
      stopStrings: null,
    },
    seed: fields.whole('seed', 0, most.seed),
    count: fields.whole('n', 1, most.choices) ?? 1,
    stops: stopsOf(fields),
    stream,
    includeUsage,
  };
}

/** Draws where the request or the checkpoint's files ask for them. */
function sampling(fields: Fields, config: JsonObject): SequenceRequest['options'] {
  const temperature = fields.number('temperature', 0, 2);
  const topP = fields.number('top_p', 0, 1);
  const minP = fields.number('min_p', 0, 1);
  const topK = fields.whole('top_k', -1);
  if (temperature === 0) return { doSample: false };
  const isAsked = [temperature, topP, minP, topK].some((value) => value !== undefined);
  if (!isAsked) return {};
  // OpenAI's models draw from all tokens, unlike generate's default.
  const kept = topK ?? (typeof config['top_k'] === 'number' ? undefined : 0);
  return {
    doSample: true,
    ...(temperature !== undefined && { temperature }),
    ...(topP !== undefined && { topP }),
    ...(minP !== undefined && { minP }),
    ...(kept !== undefined && { topK: Math.max(0, kept) }),
  };
}

/** What is added to the logits of single tokens. */
function biasOf(fields: Fields): BiasedSequence[] | undefined {
  const bias = Object.entries(fields.object('logit_bias') ?? {});
  if (bias.length === 0) return undefined;
  return bias.map(([token, value]) => {
    const isToken = /^\d{1,9}$/.test(token);
    if (isToken && typeof value === 'number' && value >= -100 && value <= 100) {
      return [[Number(token)], value];
    }
    throw fields.wrong('logit_bias', 'numbers from -100 to 100 by token ids');
  });
}

function stopsOf(fields: Fields): readonly string[] {
  const value = fields.get('stop');
  if (isListOf(value, () => true) && value.length === 0) return [];
  const stops = fields.texts('stop') ?? [];
  if (stops.length <= most.stops && !stops.includes('')) return stops;
  throw fields.wrong('stop', `a string or up to ${most.stops} of them, none of them empty`);
}
