// What a call that generates changes at named points.

import { TransformerError } from '../../runtime/errors.ts';
import { lookInto } from '../points/looking.ts';
import type { SizesOf } from '../points/point-shapes.ts';
import type { Call } from './prompt.ts';
import { type DecodingModel, type Request, requestOf } from './request.ts';

/** A call, checked, and what it changes, whose positions have no end. Errors: INPUT_INVALID, OPTION_*, ABORTED. */
export async function editedRequest(
  { options: { edit, ...options }, ...call }: Call,
  model: DecodingModel,
): Promise<Request> {
  const { tokens, source } = call.prompt;
  const target = { batch: tokens.batch, length: Infinity };
  const sizesOf: SizesOf = (stack) => (stack === 'encoder' ? (source ?? target) : target);
  const asked = edit === undefined ? {} : { edit };
  const look = await lookInto(asked, async () => model.points?.() ?? [], sizesOf);
  return requestOf({ ...call, options, look }, model);
}

/** The error of calls that want states of a text that was changed on the way. */
export function cannotShow(): TransformerError {
  return new TransformerError(
    'OPTION_INVALID',
    'hiddenStates and attentions are not brought back with edit. Call forward with the sequences, and the same edit.',
  );
}
