// What a model of one stack computes: its input, layers, pooler and head.

import { TransformerError } from '../runtime/errors.ts';
import type { Plan } from '../runtime/plan.ts';
import { show } from '../runtime/print.ts';
import type { Recording } from '../runtime/record.ts';
import type { Tensor } from '../runtime/tensor.ts';
import type { RoutedLayer } from '../shaders/experts/balance-loss.ts';
import type { SequenceDefinition } from './definitions.ts';
import { chosenTokens } from './heads/chosen-tokens.ts';
import { checkHead, type HeadBatch } from './heads/head.ts';
import { recordHead } from './heads/record-head.ts';
import { type CheckedInput, type InputShape, paddedLength } from './inputs/input-stage.ts';
import { sequenceStack } from './layers/sequence-stack.ts';
import type { PendingLogits } from './layers/logits.ts';
import type { BetweenLayers } from './layers/stack.ts';
import type { ModelInputs } from './model.ts';
import { refuseInputs } from './inputs/refuse-inputs.ts';
import type { Look } from './points/look.ts';
import type { SizesOf } from './points/point-shapes.ts';

/** A batch that was checked. */
export interface SequenceBatch extends HeadBatch {
  readonly input: CheckedInput;
  /** The token of each sequence that the pooler reads, where it reads one. */
  readonly pooled?: readonly number[] | undefined;
}

export interface SequenceGraph {
  /** (B, T, d_model) */
  readonly hidden: Tensor;
  /** u32 (B, T), 0 = padding; none where nothing pads */
  readonly mask: Tensor | undefined;
  /** (B, d_model) */
  readonly pooled: Tensor | undefined;
  /** As the head has them; undefined where they are pending. */
  readonly logits: Tensor | undefined;
  readonly pending: PendingLogits | undefined;
  readonly boxes: Tensor | undefined;
  /** A label for each row of the logits, where they are asked for. */
  readonly labels: Tensor | undefined;
  /** Those of a loss of the head's own. */
  readonly losses: Tensor | undefined;
  /** What comes to the mean of the losses, (1). */
  readonly balance: Tensor | undefined;
  write(plan: Plan, batch: SequenceBatch): void;
}

/**
 * `kept`: tokens of each sequence whose logits are wanted, its last ones; all when undefined.
 * @throws TransformerError INPUT_INVALID, OPTION_INVALID
 */
export function checkSequences(
  inputs: ModelInputs,
  definition: SequenceDefinition,
  kept?: number,
): SequenceBatch {
  refuseInputs(inputs, inputsOf(definition), 'This model');
  const checked = checkStack(inputs, definition);
  if (kept === undefined) return checked;
  const { batch, length } = checked.input;
  const { head } = definition;
  const readsEach = head?.output !== undefined || head?.pending !== undefined;
  const fits = Number.isSafeInteger(kept) && kept > 0 && kept <= length;
  if (!fits || !readsEach || checked.labels) {
    throw new TransformerError(
      'OPTION_INVALID',
      `logitsToKeep is ${show(kept)}; wanted 1 to ${length}, the tokens of each sequence, of a language ` +
        'model or a classifier of tokens and without labels.',
    );
  }
  const last = Array.from({ length: kept }, (_, i) => length - kept + i);
  return { ...checked, chosen: Array<number[]>(batch).fill(last).flat() };
}

/** What a stack and its head take. */
export function inputsOf({ input, head }: SequenceDefinition): (keyof ModelInputs)[] {
  return [...input.takes, ...(head?.takes ?? [])];
}

/** The same, passing over inputs of others. @throws TransformerError INPUT_INVALID */
export function checkStack(
  inputs: ModelInputs,
  { input, pooler, head }: SequenceDefinition,
): SequenceBatch {
  const checked = input.check(inputs);
  const pooled = pooler?.choose?.(checked);
  return { input: checked, pooled, ...checkHead(head, inputs, checked) };
}

/** The sizes of a batch: those of its only stack. */
export function sequenceSizes({ input: { batch, length } }: SequenceBatch): SizesOf {
  return () => ({ batch, length });
}

/** What a list for a batch is recorded for: texts of nearby lengths share one, unless `look` is exact. */
export function shapeOf({ input }: SequenceBatch, look?: Look): InputShape {
  return { batch: input.batch, length: paddedLength(input, undefined, look), size: input.size };
}

/** What labels a list will have. */
export interface LabelShape {
  /** Whether they will be written. */
  readonly labelled: boolean;
  /** How many each sequence has at most, where the head has a loss of its own. */
  readonly room?: number | undefined;
  /** Whether logits may be left pending, for a loss that need not have all of them at a time. */
  readonly deferred?: boolean;
}

/** What a list is recorded for. */
export interface GraphShape extends InputShape, LabelShape {
  /** Tokens of each sequence whose logits are wanted, of heads that give those of all; all when absent. */
  readonly kept?: number | undefined;
}

/** Appends the forward pass. */
export function sequenceGraph(
  recording: Recording,
  { input, stack, causal, pooler, mix, head, balance }: SequenceDefinition,
  { labelled, room, deferred, kept, ...shape }: GraphShape,
): SequenceGraph {
  const begun = input.record(recording, shape);
  const { mask } = begun;
  const outputs: [Tensor, ...Tensor[]] = [begun.vectors];
  const between: BetweenLayers = (output, index) => {
    outputs.push(output);
    return begun.between?.(output, index) ?? output;
  };
  const routed: RoutedLayer[] = [];
  const hidden = sequenceStack(begun.vectors, stack, {
    ...begun,
    causal,
    between,
    ...(balance && labelled && { onRouted: (layer) => routed.push(layer) }),
  });
  const states = mix?.(outputs) ?? hidden;
  const read = pooler?.choose && chosenTokens(hidden);
  const pooled = pooler?.record(read?.states ?? hidden, mask);
  const headed = head && recordHead(head, states, { pooled, mask, labelled, room, deferred, kept });
  return {
    hidden,
    mask,
    pooled,
    logits: headed?.logits,
    pending: headed?.pending,
    boxes: headed?.boxes,
    labels: headed?.labels,
    losses: headed?.losses,
    balance: routed.length > 0 ? balance?.record(routed, mask) : undefined,
    write(plan, batch) {
      begun.write(plan, batch.input);
      read?.write(plan, batch.pooled);
      headed?.write(plan, batch);
    },
  };
}
