// What is computed from a stack's last states, and what it is trained on. A file a kind: how it is
// recorded, what it gives, which labels it takes, and its loss.

import type { Plan } from '../../runtime/plan.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import type { Activation } from '../../shaders/matmul/matmul.ts';
import type { StartTokens } from '../inputs/encoder-decoder-inputs.ts';
import type { CheckedInput } from '../inputs/input-stage.ts';
import type { DenseTensor, TokenBatch } from '../inputs/inputs.ts';
import { linear } from '../layers/linear.ts';
import { type NormWeights, normalize } from '../../shaders/rows/norm.ts';
import type { BeforeOutput, OutputLayer, PendingLogits } from '../layers/logits.ts';
import type { ModelInputs, ModelOutput } from '../model.ts';
import type { Linear } from '../weights/linear-weights.ts';

/** Plain data and methods, so that weights in it can be replaced by others. */
export interface Head {
  /** The inputs of `forward` that its loss takes. */
  readonly takes: readonly (keyof ModelInputs)[];
  /** The layer that gives the logits of the next token, where they are that. */
  readonly output?: OutputLayer;
  /** What stands before that layer, if anything does. */
  readonly before?: BeforeOutput | undefined;
  /** What the labels of sequences are, as `problem_type` calls it. */
  readonly problem?: unknown;
  /** What its labels of sequences are, of heads whose loss a list has in training alone. */
  readonly lossOf?: 'places' | 'flags';
  /** What it is that cannot train, for the message that says so. */
  readonly untrained?: string | undefined;
  /**
   * The token of each sequence that it reads, or as many as `chooses`, one after the other; every token where it is
   * absent. `source`: what an encoder has read. @throws TransformerError INPUT_INVALID
   */
  readonly choose?: ChooseToken | undefined;
  readonly chooses?: number;
  /**
   * Appends what it computes: logits, (B, T, C) of the states (B, T, d_model) of all tokens, or (B, C) of
   * those that it chose, (B, d_model); of several, (B, chooses, C). `pooled`: what the pooler makes of the first
   * token, (B, d_model). `mask`: u32 (B, T), 0 = padding, of models of one stack.
   */
  record(states: Tensor, pooled: Tensor | undefined, mask?: Tensor): Tensor;
  /** Appends all but the last layer, where that is a product and no more: what `record` gives is then its logits. */
  pending?(states: Tensor): PendingLogits | undefined;
  /** Appends where it sees what the logits name, (B, T, 4), of heads that look for it. */
  boxes?(states: Tensor): Tensor;
  /** Appends a loss of its own, of labels of sequences; `room`: how many each has at most; `boxes`: what `boxes` gave. */
  loss?(logits: Tensor, room: number, boxes: Tensor | undefined): RecordedLoss;
  /** Puts the logits among the outputs; as `logits` where it is absent. */
  show?(logits: DenseTensor, output: ModelOutput): void;
  /** The labels of a batch, where there are any. @throws TransformerError INPUT_INVALID */
  labels(inputs: ModelInputs, checked: CheckedInput): Labels | undefined;
  /** The decoder's input that follows from labels. `start`: what it begins with. */
  decoderInput?(inputs: ModelInputs, start: () => StartTokens): TokenBatch | undefined;
}

export type ChooseToken = (checked: CheckedInput, source?: CheckedInput) => number[];

export const firstToken: ChooseToken = ({ batch }) => Array<number>(batch).fill(0);

/** What a loss is computed of. */
export interface Labels {
  /** A class for each row of logits, -100 where none counts: the list has their cross entropy. */
  readonly classes?: TokenBatch;
  /** Those of a loss that the head appends. */
  readonly sequences?: SequenceLabels;
  /** Numbers, one for each logit. */
  readonly values?: readonly number[];
  /** The loss of the logits that came back, where no list computes it. */
  readonly loss?: (logits: DenseTensor) => Promise<number>;
}

/** Labels of sequences: in their order, of their tokens or of their ends. */
export interface SequenceLabels {
  readonly rows: readonly (readonly number[])[];
  /** Of objects in images: four numbers each, one after the other. */
  readonly boxes?: readonly (readonly number[])[];
  /** The steps of the logits that are a sequence's own. */
  readonly steps: readonly number[];
  /** Labels that a list has room for. */
  readonly room: number;
  /** What the sum of the losses is divided by. */
  readonly count: number;
  /** A sequence that has more labels than steps allow, whose loss is infinite; none when absent. */
  readonly impossible?: number;
}

/** A loss in a list. */
export interface RecordedLoss {
  /** One for each sequence, or for each of what is counted. */
  readonly losses: Tensor;
  write(plan: Plan, labels: SequenceLabels): void;
}

/** What a batch has for its head. */
export interface HeadBatch {
  readonly chosen?: readonly number[] | undefined;
  readonly labels?: Labels | undefined;
}

/** Checks what a batch has for its head. `source`: what an encoder reads. */
export function checkHead(
  head: Head | undefined,
  inputs: ModelInputs,
  checked: CheckedInput,
  source?: CheckedInput,
): HeadBatch {
  return { chosen: head?.choose?.(checked, source), labels: head?.labels(inputs, checked) };
}

/** A layer on top of a stack: a linear one, then its activation and its norm where it has them. */
export interface HeadLayer {
  readonly linear: Linear;
  readonly activation?: Activation;
  readonly norm?: NormWeights;
}

/** A head's layers, one after the other. */
export function applyLayers(x: Tensor, layers: readonly HeadLayer[]): Tensor {
  return layers.reduce((h, layer) => {
    const { activation, norm } = layer;
    const y = linear(h, layer.linear, { label: 'head', ...(activation && { activation }) });
    return norm === undefined ? y : normalize(y, norm);
  }, x);
}

/** The columns of what layers compute. */
export function columnsOf(layers: readonly HeadLayer[]): number {
  return layers.at(-1)?.linear.weight.size(0) ?? 0;
}
