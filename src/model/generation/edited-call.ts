// What a call that generates reads and changes at named points.

import { lookInto } from '../points/looking.ts';
import type { PointOptions } from '../points/point-options.ts';
import type { SizesOf } from '../points/point-shapes.ts';
import type { Call } from './prompt.ts';
import { type DecodingModel, type Request, requestOf } from './request.ts';

/**
 * A call, checked, and what it changes, whose positions have no end. `reads`: what it captures, which is checked alone.
 * Errors: INPUT_INVALID, OPTION_*, ABORTED.
 */
export async function editedRequest(
  { options: { edit, ...options }, ...call }: Call,
  model: DecodingModel,
  reads: Pick<PointOptions, 'capture'> = {},
): Promise<Request> {
  const { tokens, source } = call.prompt;
  const target = { batch: tokens.batch, length: Infinity };
  const sizesOf: SizesOf = (stack) => (stack === 'encoder' ? (source ?? target) : target);
  const points = async () => model.points?.() ?? [];
  const look = await lookInto(edit === undefined ? {} : { edit }, points, sizesOf);
  await lookInto(reads, points, sizesOf);
  return requestOf({ ...call, options, look }, model);
}
