// Whether a call asks for anything at named points. What it asks for is read by code that only such calls load.

import type { ModelPoint, PointOptions } from './point-options.ts';
import type { SizesOf } from './point-shapes.ts';
import type { Look } from './look.ts';

/** The options of a call that ask for something there. */
export const pointOptions: readonly (keyof PointOptions)[] = ['capture', 'edit'];

/**
 * What a call asks for at named points; nothing where it asks for none. `points`: those of the model; `sizesOf`: sizes
 * of the call's stacks. Errors: OPTION_INVALID, OPTION_UNKNOWN.
 */
export async function lookInto(
  { capture, edit }: PointOptions,
  points: () => Promise<readonly ModelPoint[]>,
  sizesOf: SizesOf,
): Promise<Look | undefined> {
  if (capture === undefined && edit === undefined) return undefined;
  const { lookOf } = await import('./look.ts');
  return lookOf(
    { ...(capture !== undefined && { capture }), ...(edit !== undefined && { edit }) },
    await points(),
    sizesOf,
  );
}
