// What a call of `generate` or `stream` changes at named points.

import { TransformerError } from '../../runtime/errors.ts';
import type { Look } from '../points/look.ts';
import { lookInto } from '../points/looking.ts';
import type { PointEdit } from '../points/point-options.ts';
import type { SizesOf } from '../points/point-shapes.ts';
import type { Prompt } from './prompt.ts';
import type { DecodingModel } from './request.ts';

/** What it changes; positions have no end. Errors: OPTION_INVALID, OPTION_UNKNOWN. */
export function lookOfCall(
  { points }: Pick<DecodingModel, 'points'>,
  edit: readonly PointEdit[] | undefined,
  { tokens, source }: Prompt,
): Promise<Look | undefined> {
  const target = { batch: tokens.batch, length: Infinity };
  const sizesOf: SizesOf = (stack) => (stack === 'encoder' ? (source ?? target) : target);
  return lookInto({ ...(edit && { edit }) }, async () => points?.() ?? [], sizesOf);
}

/** The error of calls that want states of a text that was changed on the way. */
export function cannotShow(): TransformerError {
  return new TransformerError(
    'OPTION_INVALID',
    'hiddenStates and attentions are not brought back with edit. Call forward with the sequences, and the same edit.',
  );
}
