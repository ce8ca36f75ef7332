// What sequences begin with, from the inputs of a call on.

import { fieldsOf, requireObject, TransformerError } from '../../runtime/errors.ts';
import type { JsonObject } from '../../source/json.ts';
import type { SequenceDefinition } from '../definitions.ts';
import type { CheckedInput } from '../inputs/input-stage.ts';
import { maskBatch, type TokenBatch, tokenBatch } from '../inputs/inputs.ts';
import type { GenerateCall, ModelInputs } from '../model.ts';
import { refuseInputs } from '../inputs/refuse-inputs.ts';
import type { Look } from '../points/look.ts';
import type { GenerateOptions } from './options.ts';
import type { SpeechRules } from './selection.ts';

/** What a call generates from. */
export interface Prompt {
  /** (B, P): the first tokens of each input, left padded to one length */
  readonly tokens: TokenBatch;
  /** (B, P): 1 for tokens, 0 for padding */
  readonly mask: TokenBatch;
  /** What the encoder of an encoder–decoder reads, B rows. */
  readonly source?: CheckedInput;
}

/** A prompt, and how to go on from it. */
export interface Call {
  readonly prompt: Prompt;
  readonly options: GenerateOptions;
  readonly speech?: SpeechRules | undefined;
  /** What it changes at named points. */
  readonly look?: Look | undefined;
}

/** The calls that go together, their inputs read by `read`. Errors: INPUT_INVALID, OPTION_*. */
export function promptsOf(
  calls: readonly GenerateCall[],
  read: (inputs: ModelInputs, options: GenerateOptions) => Prompt,
): Call[] {
  if (!Array.isArray(calls)) {
    throw new TransformerError('INPUT_INVALID', 'Wanted an array of calls: { inputs, options }.');
  }
  return Array.from(calls as readonly GenerateCall[]).map((call) => {
    fieldsOf(call, 'A call');
    const { inputs, options = {} } = call;
    fieldsOf(options, 'The object of options');
    return { prompt: read(inputs, options), options };
  });
}

/** Tokens, and for each 1, or 0 for padding. */
export interface Tokens {
  readonly ids: readonly number[];
  readonly mask: readonly number[];
  /** Of a cache that sequences share: the slot of each place that this one has there. */
  readonly slots?: readonly number[];
  /** The slots there of what it sees of its source, `hiddenSlot` for padding. */
  readonly source?: readonly number[];
  /** The row that it has there for its state, where layers keep some. */
  readonly state?: number;
}

/** What the sequences of a session begin with. */
export interface Beginning {
  /** A prompt for each of R sequences, of any lengths. */
  readonly prompts: readonly Tokens[];
  /** What the encoder of an encoder–decoder reads, of each prompt; none else. */
  readonly sources: readonly CheckedInput[];
  /** The source of each sequence, by its number among the rows of all. */
  readonly sourceOf: readonly number[];
  /** What is changed at named points. */
  readonly look?: Look | undefined;
}

/** The beginning of several prompts together, the first with `copies[0]` sequences for each input. */
export function beginningOf(prompts: readonly Prompt[], copies: readonly number[]): Beginning {
  const all: Tokens[] = [];
  const sourceOf: number[] = [];
  let first = 0;
  prompts.forEach(({ tokens, mask }, call) => {
    for (let row = 0; row < tokens.batch; row++) {
      for (let copy = 0; copy < (copies[call] ?? 1); copy++) {
        all.push({ ids: tokens.rows[row] ?? [], mask: mask.rows[row] ?? [] });
        sourceOf.push(first + row);
      }
    }
    first += tokens.batch;
  });
  return { prompts: all, sources: prompts.flatMap(({ source }) => source ?? []), sourceOf };
}

/** Tokens of padding before the first that counts. */
export function paddingOf({ mask }: Tokens): number {
  return Math.max(
    0,
    mask.findIndex((flag) => flag !== 0),
  );
}

/** Reads the inputs of a call. Errors: INPUT_INVALID, OPTION_INVALID, MODEL_UNSUPPORTED. */
export type ReadPrompt = (inputs: ModelInputs, options: GenerateOptions) => Prompt;

/** For language models: the tokens to go on from, padded on the left. */
export function languagePrompt(
  { vocabulary }: Pick<SequenceDefinition, 'vocabulary'>,
  settings: JsonObject,
): ReadPrompt {
  return (given, options) => {
    const inputs = hidePadding(given, options, settings);
    refuseInputs(inputs, ['inputIds', 'attentionMask'], 'Generation');
    const tokens = tokenBatch('inputIds', inputs.inputIds, 0, vocabulary);
    const mask = maskBatch('attentionMask', inputs.attentionMask, tokens, 'inputIds');
    const wrong = mask.rows.findIndex((row) => row.at(-1) === 0);
    if (wrong < 0) return { tokens, mask };
    throw new TransformerError(
      'INPUT_INVALID',
      `attentionMask[${wrong}] ends with padding, where the text is to go on. Pad on the left.`,
    );
  };
}

/**
 * The inputs of a language model's generation with a mask that hides padding tokens. As in Hugging Face
 * they are known by their id, unless sequences end with the same one; encoders see all they are given.
 */
function hidePadding(inputs: ModelInputs, options: GenerateOptions, file: JsonObject): ModelInputs {
  requireObject(inputs, 'The object of inputs');
  requireObject(options, 'The object of options');
  const { padTokenId, eosTokenId } = options;
  const { inputIds, attentionMask } = inputs;
  const pad = padTokenId ?? file['pad_token_id'];
  const ends = [eosTokenId ?? file['eos_token_id']].flat();
  if (attentionMask !== undefined || typeof pad !== 'number' || ends.includes(pad)) return inputs;
  if (!Array.isArray(inputIds) || !inputIds.flat().includes(pad)) return inputs;
  const rows = inputIds as readonly (readonly number[])[];
  return { ...inputs, attentionMask: rows.map((row) => row.map((id) => (id === pad ? 0 : 1))) };
}
