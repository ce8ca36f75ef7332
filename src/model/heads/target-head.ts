// Logits of the token that follows each token of a target: decoders that have an encoder.

import type { Tensor } from '../../runtime/tensor.ts';
import { type StartTokens, targetOf } from '../inputs/encoder-decoder-inputs.ts';
import type { CheckedInput } from '../inputs/input-stage.ts';
import type { TokenBatch } from '../inputs/inputs.ts';
import {
  type BeforeOutput,
  logits,
  type OutputLayer,
  type PendingLogits,
  pendingLogits,
} from '../layers/logits.ts';
import type { ModelInputs } from '../model.ts';
import type { Head, Labels } from './head.ts';
import { tokenLabels } from './token-labels.ts';

/** Logits (B, T, V); labels are the tokens that a decoder shall give, its input is one place behind. */
export class TargetHead implements Head {
  readonly takes = ['labels'] as const;
  readonly output: OutputLayer;
  readonly before: BeforeOutput | undefined;
  readonly #inputOf: typeof targetOf;

  /** `inputOf`: the decoder's input that follows from labels, where that is made otherwise. */
  constructor(output: OutputLayer, before?: BeforeOutput, inputOf: typeof targetOf = targetOf) {
    this.output = output;
    this.before = before;
    this.#inputOf = inputOf;
  }

  record(states: Tensor): Tensor {
    return logits(states, this);
  }

  pending(states: Tensor): PendingLogits {
    return pendingLogits(states, this);
  }

  labels({ labels }: ModelInputs, { ids }: CheckedInput): Labels | undefined {
    const target = { ids, name: 'decoderInputIds' };
    if (labels === undefined) return undefined;
    return { classes: tokenLabels(labels, this.output.weight.size(0), target) };
  }

  decoderInput({ labels }: ModelInputs, start: () => StartTokens): TokenBatch | undefined {
    if (labels === undefined) return undefined;
    return this.#inputOf(tokenLabels(labels, this.output.weight.size(0)), start);
  }
}
