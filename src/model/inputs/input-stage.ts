// What a stack begins with: how a caller's inputs become vectors. One file a kind, which families choose:
// token ids, vectors as they are, and whatever else a stack can see or hear.

import type { Plan } from '../../runtime/plan.ts';
import type { Recording } from '../../runtime/record.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import type { ImageSize } from '../../shaders/image/patches.ts';
import type { EmbeddingWeights } from '../layers/embeddings.ts';
import type { BetweenLayers } from '../layers/stack.ts';
import type { ModelInputs } from '../model.ts';
import { bucket, type TokenBatch } from './inputs.ts';

/** Inputs that were checked. An input stage adds what else it writes. */
export interface CheckedInput {
  readonly batch: number;
  /** Vectors of each sequence, without what a list pads them to. */
  readonly length: number;
  /** Height and width of images or features: lists are recorded for these, and pad nothing. */
  readonly size?: ImageSize | undefined;
  /** (B, T), 0 = padding */
  readonly mask: TokenBatch;
  /** (B, T), where they are token ids */
  readonly ids?: TokenBatch;
}

/** What a list is recorded for: lengths are padded ones. */
export interface InputShape {
  readonly batch: number;
  readonly length: number;
  /** That of images or features; as the model was trained on when absent. */
  readonly size?: ImageSize | undefined;
}

/** What an input stage appended to a list. */
export interface RecordedInput {
  /** (B, T, d_model) */
  readonly vectors: Tensor;
  /** What is added between layers, where positions are. */
  readonly between?: BetweenLayers | undefined;
  /** What layers take of the tokens themselves, see `PerLayerVectors`. */
  readonly perLayer?: Tensor | undefined;
  /** u32 (B, T), 0 = padding */
  readonly mask: Tensor;
  /** u32 (B, T, 2): position and slot, where layers ask for them */
  readonly place?: Tensor;
  /** Writes inputs that the same stage has checked, before a play. */
  write(plan: Plan, checked: CheckedInput): void;
}

/** Plain data and methods, so that weights in it can be replaced by others. */
export interface InputStage {
  /** The inputs of `forward` that it takes; the first is the one that must be there. */
  readonly takes: readonly [keyof ModelInputs, ...(keyof ModelInputs)[]];
  /** How token ids are looked up, where it takes some. */
  readonly embeddings?: EmbeddingWeights;
  /** Checks a batch. @throws TransformerError INPUT_INVALID */
  check(inputs: ModelInputs): CheckedInput;
  /** The shape of one input, of a stage that does not take inputs of any length. */
  usual?(): InputShape;
  /** Appends the way to the first layer. */
  record(recording: Recording, shape: InputShape): RecordedInput;
}

/** What the encoder of a model begins with that generates. */
export interface SourceStage extends InputStage {
  /** Batches that it has checked, as one: their rows below each other. */
  join(batches: readonly CheckedInput[]): CheckedInput;
  /** The inputs of `forward` that a batch was checked from, each row so often. */
  inputsOf(checked: CheckedInput, copies: number): ModelInputs;
}

/** How lists are recorded. */
interface Padding {
  /** Whether nothing is padded. */
  readonly isExact: boolean;
}

/** The length that a list is recorded for, `most` at most. */
export function paddedLength(
  { length, size }: Pick<CheckedInput, 'length' | 'size'>,
  most?: number,
  { isExact }: Padding = { isExact: false },
): number {
  return size === undefined && !isExact ? bucket(length, most) : length;
}

/** Each row so often, its copies side by side. */
export function repeatRows(rows: TokenBatch['rows'], copies: number): number[][] {
  return rows.flatMap((row) => Array.from({ length: copies }, () => [...row]));
}

/** The shape of one input, as short as may be. */
export function usualShape(input: InputStage, maxPositions: number): InputShape {
  return input.usual?.() ?? { batch: 1, length: bucket(1, maxPositions) };
}
