// From prompts to answers: what the endpoints for chats and for texts share.

import type { Pipelines } from '../tasks/pipeline.ts';
import { ApiError, wrongField } from './api-error.ts';
import type { Call } from './call.ts';
import { choice, type FinishReason, type Piece } from './choice.ts';
import type { GenerationSettings } from './generation-fields.ts';
import { interleaved, type Numbered } from './interleaved.ts';
import type { Served } from './models.ts';
import type { SequenceToken } from './scheduler.ts';

type Generating = 'text-generation' | 'text2text-generation';

/** A model that writes. */
export type Writer = Served<Generating>;

/** What is to be written. */
export interface Writing {
  /** Token ids of each. */
  readonly prompts: readonly (readonly number[])[];
  readonly settings: GenerationSettings;
  /** Tokens of an answer at most; as many as there is room for when absent. `param`: the field that says so. */
  readonly maxTokens: number | undefined;
  readonly param: string;
  readonly topLogProbs: number | undefined;
  /** Special tokens that answers have all the same. */
  readonly marks?: ReadonlyMap<number, string> | undefined;
}

/** A whole answer. */
export interface Answer {
  readonly text: string;
  readonly tokens: readonly SequenceToken[];
  readonly finishReason: FinishReason;
}

/** An answer that is being put together. */
interface Draft {
  text: string;
  readonly tokens: SequenceToken[];
  finishReason: FinishReason;
}

/** What OpenAI calls usage. */
export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
}

/** Token ids of a prompt. @throws ApiError 400 where it has more than the model reads */
export function promptIds(
  { pipeline: { model, tokenizer } }: Pick<Writer, 'pipeline'>,
  text: string,
  addSpecialTokens: boolean,
  param: string,
): number[] {
  const most = model.maxPositions;
  const limit = most === Infinity ? {} : { maxLength: most + 1 };
  const { ids } = tokenizer.encoding(text, undefined, { addSpecialTokens, ...limit });
  return checkedLength(ids, most, param);
}

/** Refuses a prompt that leaves no room. */
export function checkedLength(ids: number[], most: number, param: string): number[] {
  if (ids.length <= most) return ids;
  throw new ApiError(
    400,
    `The prompt has more than the ${most} tokens that this model reads. Shorten it.`,
    {
      code: 'context_length_exceeded',
      param,
    },
  );
}

/** Begins to write: all answers, piece by piece. Answers to a prompt follow each other. */
export function write(
  call: Call,
  { scheduler, pipeline, task }: Writer,
  { prompts, settings, maxTokens, param, topLogProbs, marks = new Map() }: Writing,
): AsyncGenerator<Numbered<Piece>, void, undefined> {
  const { count, options, seed, stops } = settings;
  const all = prompts.length * count;
  if (all > call.limits.choices) {
    throw wrongField(
      'n',
      `That makes ${all} answers; at most ${call.limits.choices} come at once.`,
    );
  }
  const { model, tokenizer } = pipeline;
  const isCausal = task === 'text-generation';
  call.notes.promptTokens += prompts.reduce((sum, { length }) => sum + length, 0);
  const ends = endsOf(pipeline);
  const lengths = prompts.map((ids) => {
    const room = model.maxPositions - (isCausal ? ids.length : 1);
    return newTokens(call, room, maxTokens, param);
  });
  const streams = prompts.flatMap((inputIds, at) =>
    Array.from({ length: count }, (_, index) =>
      choice(
        {
          scheduler,
          tokenizer,
          ends,
          stops,
          marks,
          before: isCausal ? inputIds : [],
          onToken: call.onToken,
        },
        {
          client: call.client,
          inputIds,
          options: {
            ...options,
            maxNewTokens: lengths[at] ?? 1,
            ...(seed !== undefined && { seed: (seed + at * count + index) % 2 ** 32 }),
          },
          ...(topLogProbs !== undefined && { topLogProbs }),
        },
        call.signal,
      ),
    ),
  );
  return interleaved(streams);
}

/** New tokens of an answer at most. @throws ApiError 400 where that is more than there is room for */
function newTokens(
  { limits }: Call,
  room: number,
  asked: number | undefined,
  param: string,
): number {
  if (room < 1 || (asked !== undefined && asked > room)) {
    throw new ApiError(
      400,
      `Beside the prompt there is room for ${Math.max(0, room)} tokens, and ${param} asks for ${asked ?? 1}.`,
      { code: 'context_length_exceeded', param },
    );
  }
  if (asked !== undefined && asked > limits.tokens) {
    throw wrongField(param, `${param} is ${asked}; this server writes ${limits.tokens} at most.`);
  }
  return asked ?? Math.min(room, limits.tokens);
}

/** Tokens that end a sequence. */
function endsOf({ model }: Pick<Pipelines[Generating], 'model'>): number[] {
  const { config, generationConfig } = model;
  const ends = generationConfig['eos_token_id'] ?? config['eos_token_id'];
  return [ends].flat().filter((id) => typeof id === 'number');
}

/** All answers, whole. */
export async function answers(
  pieces: AsyncIterable<Numbered<Piece>>,
  count: number,
): Promise<Answer[]> {
  const all = Array.from({ length: count }, (): Draft => {
    return { text: '', tokens: [], finishReason: 'length' };
  });
  for await (const { index, item } of pieces) {
    const answer = all[index];
    if (answer === undefined) continue;
    answer.text += item.text;
    answer.tokens.push(...item.tokens);
    answer.finishReason = item.finishReason ?? answer.finishReason;
  }
  return all;
}

export function usageOf({ notes: { promptTokens, completionTokens } }: Call): Usage {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  };
}
