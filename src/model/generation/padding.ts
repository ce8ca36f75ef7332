// Which tokens of a prompt are padding, where nobody says.

import type { GenerateOptions } from './generation-options.ts';
import type { JsonObject } from '../../source/json.ts';
import { requireObject } from '../../runtime/errors.ts';
import type { ModelInputs } from '../model.ts';

/**
 * The inputs of a language model's generation with a mask that hides padding tokens. As in Hugging Face
 * they are known by their id, unless sequences end with the same one; encoders see all they are given.
 */
export function hidePadding(
  inputs: ModelInputs,
  options: GenerateOptions,
  file: JsonObject,
): ModelInputs {
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
