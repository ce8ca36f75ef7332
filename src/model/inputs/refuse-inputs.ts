// What a model takes, by the names of its inputs.

import { fieldsOf, TransformerError } from '../../runtime/errors.ts';
import type { ModelInputs } from '../model.ts';

/** Refuses inputs that a model does not take. */
export function refuseInputs(
  inputs: ModelInputs,
  taken: readonly (keyof ModelInputs)[],
  what: string,
): void {
  for (const [name, value] of fieldsOf(inputs, 'The object of inputs')) {
    if (value === null)
      throw new TransformerError('INPUT_INVALID', `${name} is null. Leave it out.`);
    if (value === undefined || (taken as readonly string[]).includes(name)) continue;
    throw new TransformerError(
      'INPUT_INVALID',
      `${what} takes no input "${name}". It takes: ${taken.join(', ')}.`,
    );
  }
}
