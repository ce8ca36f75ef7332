// A stack over token ids of which all count: images as the colours of their pixels.

import type { ModelInputs } from '../model.ts';
import { TokenInput } from './token-inputs.ts';

export class WholeTokenInput extends TokenInput {
  /** Lists are recorded for the very length, so that no padding is among what is summed up. */
  override check(inputs: ModelInputs): ReturnType<TokenInput['check']> {
    const checked = super.check(inputs);
    return { ...checked, size: [1, checked.length] };
  }
}
