// What a trainer needs of a model: its parameters, and a list that computes logits for a batch.

import { TransformerError } from '../runtime/errors.ts';
import type { Gpu } from '../runtime/gpu.ts';
import type { Plan } from '../runtime/plan.ts';
import type { Recording } from '../runtime/record.ts';
import type { Tensor } from '../runtime/tensor.ts';
import type {
  DualEncoderDefinition,
  EncoderDecoderDefinition,
  SequenceDefinition,
} from './definitions.ts';
import type { JsonObject } from '../source/json.ts';
import type { EmbeddingWeights } from './layers/embeddings.ts';
import type { PendingLogits } from './layers/logits.ts';
import type { StackWeights } from './layers/stack.ts';
import type { LoadedParts, Model, ModelInputs } from './model.ts';
import type { SentenceHead } from './sentence-layers.ts';
import type { ExpertLinear } from './weights/expert-weights.ts';
import type { Linear } from './weights/linear-weights.ts';
import type { Parameters, WeightSlice } from './weights/parameters.ts';

/** What a fine-tuning method makes of a model's weights while a list is recorded. */
export interface Adapt {
  readonly linear: (layer: Linear) => Linear;
  readonly experts?: (layer: ExpertLinear) => ExpertLinear;
  readonly embedding?: (weights: EmbeddingWeights) => EmbeddingWeights;
  /** Tensors that stand for others, by these. */
  readonly tensors?: ReadonlyMap<Tensor, Tensor>;
}

/** A batch that was checked, and padded in thought: batches of one key share a list. */
export interface TrainingBatch {
  readonly key: string;
  /** What its lengths are padded to multiples of. */
  readonly padToMultipleOf: number;
  /** Labels that count: what the sum of its losses is divided by. */
  readonly labels: number;
  /** Tokens that are no padding, of source and target together. */
  readonly tokens: number;
}

/** Logits and their classes. */
export interface Classified {
  /** As the model's head gives them: (B, T, C) or (B, C) */
  readonly logits: Tensor;
  /** A class for each row of them, -100 where nothing counts */
  readonly labels: Tensor;
}

/** The same, where the logits are still to be recorded. */
export interface PendingClassified {
  readonly pending: PendingLogits;
  readonly labels: Tensor;
}

/** Losses that the model has itself. */
export interface OwnLosses {
  readonly losses: Tensor;
  /** Of pairs of images and texts: how alike each image is to each text, (N, N). */
  readonly perImage?: Tensor;
}

/** What a stack makes of its input, for losses of vectors. */
export interface States {
  /** (B, T, d_model) */
  readonly states: Tensor;
  /** u32 (B, T), 0 = padding; none where nothing pads */
  readonly mask: Tensor | undefined;
  /** What makes a vector of them, where the model has such layers. */
  readonly sentence?: SentenceHead | undefined;
}

export interface TrainingGraph<Batch extends TrainingBatch = TrainingBatch> {
  /**
   * What the loss of labels that are classes is computed of; else the losses that the model has itself; or what its
   * stack gives, of batches that were prepared for that.
   */
  readonly from: Classified | PendingClassified | OwnLosses | States;
  /** What comes to the mean of the losses of each batch, (1): how evenly experts are used. */
  readonly balance?: Tensor | undefined;
  /** Writes the inputs of a batch with the key that the list was recorded for. */
  write(plan: Plan, batch: Batch): void;
}

/**
 * The stacks of a model; a decoder is one whose tokens see only what stands before them. Of models of texts and images
 * one for each.
 */
export interface Stacks {
  readonly encoder?: StackWeights;
  readonly decoder?: StackWeights;
  readonly text?: StackWeights;
  readonly vision?: StackWeights;
}

/** Sequence to sequence, language model or classifier, as a trainer sees it. */
export interface TrainableModel<Batch extends TrainingBatch = TrainingBatch> {
  readonly gpu: Gpu;
  readonly config: JsonObject;
  readonly generation: JsonObject;
  /** Undefined when the model was not loaded with `training: true`. */
  readonly parameters: Parameters | undefined;
  /** Where the tensors of the checkpoint lie in the weights, trainable or not. */
  readonly slices: readonly WeightSlice[];
  /** All linear layers of the model, the names of its modules in them. */
  readonly linears: readonly Linear[];
  /** The layers of experts, in the order of their parameters in the class. */
  readonly experts: readonly ExpertLinear[];
  /** Its stacks of layers. */
  readonly stacks: Stacks;
  /** Weights that are looked up by token, whatever else they serve for. */
  readonly embeddings: readonly Tensor[];
  /** All weight tensors by the name of the checkpoint's tensors they hold. */
  readonly weights: readonly Tensor[];
  /** Weights that have no part in what its stack gives, or in the vectors that are made of it. */
  readonly behindStates: readonly Tensor[];
  /** What sentence-transformers has behind its stack, where it was loaded with that, and the weights there. */
  readonly sentence?: SentenceHead | undefined;
  readonly sentenceWeights: readonly Tensor[];
  /** Refuses to train on labels. @throws TransformerError MODEL_UNSUPPORTED where the model has no loss */
  expectLoss(): void;
  /**
   * Checks a batch of inputs with labels, or without where its states are `read`. Lengths are padded to multiples of
   * `multiple`.
   * @throws TransformerError INPUT_INVALID, MODEL_UNSUPPORTED
   */
  prepare(inputs: ModelInputs, multiple: number, read?: 'states'): Batch;
  /** Appends the forward pass for batches like this one. */
  record(recording: Recording, batch: Batch, adapt?: Adapt): TrainingGraph<Batch>;
  /** The model with what `adapt` makes of its weights, which stay when it goes. */
  adapted(adapt: Adapt): Model;
  /** The model without its layers: what stands before them, and the final norm and head. Its weights stay when it goes. */
  behindLayers(): Model;
}

/** What a model is made trainable of; `remake` makes a model of the same kind. */
export type MakeTrainable<Definition> = (
  parts: LoadedParts,
  definition: Definition,
  remake: (parts: LoadedParts, definition: Definition) => Model,
) => TrainableModel;

/** Makes models trainable; part of the training code, which inference does not load. */
export interface TrainableMakers {
  readonly sequence: MakeTrainable<SequenceDefinition>;
  readonly encoderDecoder: MakeTrainable<EncoderDecoderDefinition>;
  readonly dual: MakeTrainable<DualEncoderDefinition>;
}

let makers: TrainableMakers | undefined;

/** Registers what makes models trainable. */
export function registerTrainable(own: TrainableMakers): void {
  makers = own;
}

/** What makes models trainable. @throws TransformerError OPTION_INVALID while no training code is loaded */
export function trainableMakers(): TrainableMakers {
  if (makers !== undefined) return makers;
  throw new TransformerError(
    'OPTION_INVALID',
    "The code for training is not loaded. Import something of 'webgpu-transformer/training' first.",
  );
}

/** Refuses to train models that cannot. */
export function cannotTrain(what: string): TransformerError {
  return new TransformerError('MODEL_UNSUPPORTED', `${what} has no loss to train it on.`);
}
