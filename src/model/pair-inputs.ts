// Checks the inputs of an encoder and a decoder.

import { checkFlags } from '../runtime/errors.ts';
import type { EncoderDecoderDefinition, PairDefinition } from './definitions.ts';
import { checkHead, type HeadBatch } from './heads/head.ts';
import { sameBatch, type StartTokens } from './inputs/encoder-decoder-inputs.ts';
import type { CheckedInput } from './inputs/input-stage.ts';
import type { TokenBatch } from './inputs/inputs.ts';
import type { ForwardOptions, ModelInputs } from './model.ts';
import { refuseInputs } from './inputs/refuse-inputs.ts';
import type { SizesOf } from './points/point-shapes.ts';

/** A batch that was checked. */
export interface PairBatch extends HeadBatch {
  readonly source: CheckedInput;
  readonly target: CheckedInput;
}

/** The sizes of a batch. */
export function pairSizes({ source, target }: PairBatch): SizesOf {
  return (stack) => {
    const { batch, length } = stack === 'encoder' ? source : target;
    return { batch, length };
  };
}

/**
 * Checks the inputs of both stacks. Targets are tokens: as given, or as they follow from labels, or the
 * source once more. `start` is asked where labels are to make the target. Errors: INPUT_INVALID, and those of `start`.
 */
export function checkSequencePair(
  inputs: ModelInputs,
  model: EncoderDecoderDefinition,
  start: () => StartTokens,
): PairBatch {
  const { source, target, head } = model;
  const taken = [...source.takes, ...target.takes, ...head.takes];
  refuseInputs(inputs, taken, 'This encoder–decoder model');
  const read = source.check(inputs);
  const { decoderInputIds = madeTarget(inputs, model, { read, start }) } = inputs;
  const pair = checkTarget({ ...inputs, ...(decoderInputIds && { decoderInputIds }) }, model, read);
  return { ...pair, ...checkHead(head, inputs, pair.target, read) };
}

function madeTarget(
  inputs: ModelInputs,
  { head, repeat }: EncoderDecoderDefinition,
  { read, start }: { read: CheckedInput; start: () => StartTokens },
): TokenBatch['rows'] | undefined {
  const made = head.decoderInput?.(inputs, start);
  return (made ?? (read.ids && repeat?.(read.ids)))?.rows;
}

/** Refuses what is no choice of states. Errors: OPTION_INVALID. */
export function checkShown({ hiddenStates, attentions }: ForwardOptions): void {
  checkFlags({ hiddenStates }, 'hiddenStates');
  if (attentions === 'cross') return;
  checkFlags({ attentions }, 'attentions');
}

/** Checks the target's inputs beside a source that was checked. */
export function checkTarget(
  inputs: ModelInputs,
  { source: { takes }, target }: Pick<PairDefinition, 'source' | 'target'>,
  source: CheckedInput,
): PairBatch {
  const checked = target.check(inputs);
  sameBatch(source.batch, checked.batch, [takes[0], target.takes[0]]);
  return { source, target: checked };
}
