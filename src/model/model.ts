// What every loaded model has: a device, its weights' scope, inputs and outputs, an end.

import { TransformerError } from '../runtime/errors.ts';
import type { Gpu } from '../runtime/gpu.ts';
import type { Scope } from '../runtime/scope.ts';
import type { CacheDtype } from './cache-dtypes.ts';
import type { CallBatch } from './generation/batch/batch.ts';
import type { BatchOptions } from './generation/batch/batch-options.ts';
import type { GenerateOptions } from './generation/options.ts';
import type { DenseTensor } from './inputs/inputs.ts';
import type { ModelPoint, PointOptions } from './points/point-options.ts';
import type { JsonObject } from '../source/json.ts';
import type { SentenceHead } from './sentence-layers.ts';
import type { SpeechSegment } from './speech/segments.ts';
import type { SpeechOptions } from './speech/speech-options.ts';
import type { Parameters, WeightSlice } from './weights/parameters.ts';
import type { TrainableModel } from './trainable-model.ts';
import type { Warnings } from './warnings.ts';

/** What there is in an image, as labels of detectors. */
export interface ImageObjects {
  /** The class of each object. */
  readonly classLabels: readonly number[];
  /** Where each is: centre (x, y), width and height, in widths and heights of the image. */
  readonly boxes: readonly (readonly number[])[];
}

/** Inputs of `forward` and `generate`. Token inputs are rectangular: one array a sequence. */
export interface ModelInputs {
  /** Source token ids, (B, S). */
  inputIds?: readonly (readonly number[])[];
  /** 1 where a source token, or a sample of sound, counts, 0 for padding, (B, S); all ones when absent. */
  attentionMask?: readonly (readonly number[])[];
  /** Target token ids, (B, T). */
  decoderInputIds?: readonly (readonly number[])[];
  /** 1 where a target token counts, (B, T); all ones when absent. */
  decoderAttentionMask?: readonly (readonly number[])[];
  /** The segment of each token, (B, T), for encoders with segments; 0 when absent. */
  tokenTypeIds?: readonly (readonly number[])[];
  /** The position of each token, (B, T), for models of one stack; from 0 on when absent. */
  positionIds?: readonly (readonly number[])[];
  /**
   * What to compute the loss of: token ids or classes of tokens, (B, T), -100 is left out; of
   * sequence classifiers the class or value of each sequence, (B), or flags, (B, labels); of heads for CTC what is
   * said in each sound, (B, L), below 0 is left out; of detectors the objects of each image.
   */
  labels?: readonly number[] | readonly (readonly number[])[] | readonly ImageObjects[];
  /** Where the answers start and end, (B), to compute the loss of question answering. */
  startPositions?: readonly number[];
  /** Where they end, (B), the last token included. */
  endPositions?: readonly number[];
  /** Source vectors in place of token ids, (B, S, d_model). */
  inputsEmbeds?: DenseTensor;
  /** Target vectors in place of token ids, (B, T, d_model). */
  decoderInputsEmbeds?: DenseTensor;
  /** Images as a model's processor makes them, (B, channels, height, width). */
  pixelValues?: DenseTensor;
  /** Sound as a model's feature extractor makes it, (B, bins, frames). */
  inputFeatures?: DenseTensor;
  /** The samples of sound, as a model's feature extractor makes them, (B, samples). */
  inputValues?: DenseTensor;
  /** Texts that were read before, as `textEmbeds` of the output has them, to be compared with images: (B, d). */
  textEmbeds?: DenseTensor;
  /** Takes images of another size than the model was trained on: its positions are stretched to them. */
  interpolatePosEncoding?: boolean;
  /** Computes the loss of texts and images, of which each text belongs to the image of its place. */
  returnLoss?: boolean;
}

/** What `forward` should bring back besides its main results, and what it should change on the way. */
export interface ForwardOptions extends PointOptions {
  /** Every layer's output, the embeddings first. */
  hiddenStates?: boolean;
  /** Every layer's attention weights; of a model with an encoder and a decoder, `cross` asks for those between them alone. */
  attentions?: boolean | 'cross';
  /**
   * Of language models and classifiers of tokens, of one stack: `logits` of the last n tokens of each sequence alone,
   * (B, n, V), which spares most of the memory; all when absent. Batches are to be padded on the left.
   */
  logitsToKeep?: number;
  /** Cancels the call, which then rejects with `ABORTED`. */
  signal?: AbortSignal;
}

/** Results of `forward`: those the architecture has. B batch, S source, T target, h heads. */
export interface ModelOutput {
  /**
   * (B, T, V) of language models, (B, T, labels) of token, (B, labels) of sequence classifiers,
   * (B, tokens, labels + 1) of detectors, where the last label is that there is nothing
   */
  logits?: DenseTensor;
  /** (B, T), how well each token starts or ends the answer */
  startLogits?: DenseTensor;
  /** (B, T), how well each token ends the answer */
  endLogits?: DenseTensor;
  /**
   * (B, tokens, 4) of detectors: centre (x, y), width and height of what the logits of a token name, in widths and
   * heights of the image
   */
  predBoxes?: DenseTensor;
  /** What was asked for at named points, under the names by which it was asked for */
  captured?: Record<string, DenseTensor>;
  /** Of the labels, as Python's model has it: mean cross entropy of those that count, say; shape (). */
  loss?: DenseTensor;
  /** (B, T, d_model) */
  lastHiddenState?: DenseTensor;
  /** (B, d_model), what the pooler makes of the first token, of another or of all */
  poolerOutput?: DenseTensor;
  /** Of models of one stack: (B, T, d_model) each, the embeddings first */
  hiddenStates?: DenseTensor[];
  /** Of models of one stack: (B, h, T, T) a layer */
  attentions?: DenseTensor[];
  /** (B, S, d_model) */
  encoderLastHiddenState?: DenseTensor;
  /** (B, S, d_model) each, the embeddings first */
  encoderHiddenStates?: DenseTensor[];
  /** (B, T, d_model) each, the embeddings first */
  decoderHiddenStates?: DenseTensor[];
  /** (B, h, S, S) a layer */
  encoderAttentions?: DenseTensor[];
  /** (B, h, T, T) a layer */
  decoderAttentions?: DenseTensor[];
  /** (B, h, T, S) a layer */
  crossAttentions?: DenseTensor[];
  /** How alike N images and M texts are, scaled: (N, M), and (M, N) */
  logitsPerImage?: DenseTensor;
  /** The same the other way round, (M, N) */
  logitsPerText?: DenseTensor;
  /**
   * The vectors that are compared, (M, d) of texts and (N, d) of images: of length 1, but as they are projected
   * where the model has one stack alone
   */
  textEmbeds?: DenseTensor;
  /** (N, d), the vectors of images, as `textEmbeds` are of texts */
  imageEmbeds?: DenseTensor;
  /** Of models of texts and images: what each stack gives, under its name in models of one stack */
  textLastHiddenState?: DenseTensor;
  /** (M, d_model), what the text stack makes of a text */
  textPoolerOutput?: DenseTensor;
  /** (M, T, d_model) each, the embeddings first */
  textHiddenStates?: DenseTensor[];
  /** (M, h, T, T) a layer: the text stack's attention weights */
  textAttentions?: DenseTensor[];
  /** (N, T, d_model), one row a patch, with the class token where there is one */
  visionLastHiddenState?: DenseTensor;
  /** (N, d_model), what the vision stack makes of an image */
  visionPoolerOutput?: DenseTensor;
  /** (N, T, d_model) each, the embeddings first */
  visionHiddenStates?: DenseTensor[];
  /** (N, h, T, T) a layer: the vision stack's attention weights */
  visionAttentions?: DenseTensor[];
}

/** What `generate` gives; n sequences are the inputs times `numReturnSequences`. */
export interface GenerateResult {
  /** Token ids with the prompt or start token, padded to equal length. */
  sequences: number[][];
  /** Beam search: the score of each sequence, its log-probability over its length. */
  scores?: number[];
  /**
   * Of each sequence, the log-probability of each token that was generated, to its end, when asked for: among the
   * tokens that the options left open, without the temperature.
   */
  logProbs?: number[][];
  /** Of speech: the stretches of each input, by the time stamps between its tokens. */
  segments?: SpeechSegment[][];
  /** Of speech: seconds at which each token of `sequences` was spoken, when asked for; 0 for prompts. */
  tokenTimestamps?: number[][];
  /** Of each step, the prompt first: each layer's states, (n, tokens, d_model), when asked for. */
  hiddenStates?: DenseTensor[][];
  /** Of each step: each layer's weights, (n, h, tokens, tokens so far), when asked for. */
  attentions?: DenseTensor[][];
  /** The same of decoders that have an encoder. */
  decoderHiddenStates?: DenseTensor[][];
  /** Of each step: each layer's weights, (n, h, tokens, tokens so far), when asked for. */
  decoderAttentions?: DenseTensor[][];
  /** Of each step: each layer's weights, (n, h, tokens, S) */
  crossAttentions?: DenseTensor[][];
  /** Of the encoder, as in `forward`. */
  encoderHiddenStates?: DenseTensor[];
  /** Of the encoder, as in `forward`: (B, h, S, S) a layer, when asked for. */
  encoderAttentions?: DenseTensor[];
  /**
   * What was asked for at named points, under the names by which it was asked for: of all n sequences, their tokens
   * but the last, which was chosen and fed no more.
   */
  captured?: Record<string, DenseTensor>;
}

/** What `generate` should bring back besides; n sequences, as they are returned. */
export interface GenerateOutputOptions {
  /** The states of every step. */
  hiddenStates?: boolean;
  /** The attention weights of every step. */
  attentions?: boolean;
  /** How likely each token was; not of beams. */
  logProbs?: boolean;
  /** Points to read, by name or pattern, as in `forward`: of the prompt and of all that was generated. */
  capture?: readonly string[];
}

/** What a call of `generate` may ask for: of models that hear, more than of others. */
export interface GenerateCallOptions
  extends Omit<GenerateOptions, 'temperature'>, GenerateOutputOptions, SpeechOptions {}

/** One of several calls of `generate` that go together. */
export interface GenerateCall {
  /** As in `generate`. */
  inputs: ModelInputs;
  /** As in `generate`. */
  options?: GenerateOptions;
}

/** A loaded model. It holds GPU memory until `dispose`. */
export interface Model {
  /** The device that it is on. */
  readonly gpu: Gpu;
  /** config.json as it is; where it names no class, with the one that the model was taken as. */
  readonly config: JsonObject;
  /** generation_config.json as it is, or config.json where there is none; of BLIP the part of that on its decoder. */
  readonly generationConfig: JsonObject;
  /** What was overlooked in the checkpoint's files, each as a sentence that names the file. */
  readonly warnings: readonly string[];
  /** Tokens of a sequence at most; Infinity where there is no limit. */
  readonly maxPositions: number;
  /** The places of which `forward` can read and change activations, in the order that they are computed in. */
  points(): Promise<ModelPoint[]>;
  /** Computes the outputs for whole sequences. */
  forward(inputs: ModelInputs, options?: ForwardOptions): Promise<ModelOutput>;
  /** Generates token sequences. */
  generate(inputs: ModelInputs, options?: GenerateCallOptions): Promise<GenerateResult>;
  /**
   * Generates for several calls in the same steps, whatever the lengths of their inputs and their options:
   * what each gets is what it would get alone. Calls with beams, and those of models whose rotary
   * frequencies go by the length, follow one after the other. A signal that aborts one aborts all.
   */
  generateTogether(calls: readonly GenerateCall[]): Promise<GenerateResult[]>;
  /** Generates token by token: one id a sequence each time, the padding id for finished ones. */
  stream(
    inputs: ModelInputs,
    options?: Omit<GenerateCallOptions, keyof GenerateOutputOptions>,
  ): AsyncGenerator<{ tokenIds: number[] }>;
  /** What `RunningBatch` has calls join: see there. Errors: OPTION_INVALID, DISPOSED. @internal */
  batch?(options: BatchOptions): Promise<CallBatch | undefined>;
  /** Waits until the model is on the device in use. Errors: DISPOSED. @internal */
  ready?(): Promise<void>;
  /**
   * Has something be done to every model that is loaded in place of one that went with its device, of models
   * that recover. The result ends that. @internal
   */
  whenReloaded?(change: () => Promise<void>): () => void;
  /** What a `Trainer` works on. @throws TransformerError when the model cannot train @internal */
  trainable(): TrainableModel;
  /** Frees all GPU memory of the model. Calls under way reject. */
  dispose(): void;
  /** The same, at the end of a block: `using model = await loadModel(…)`. */
  [Symbol.dispose](): void;
}

/** What `loadModel` has prepared for an architecture. */
export interface LoadedParts {
  readonly gpu: Gpu;
  readonly config: JsonObject;
  /** Owns the weights. */
  readonly scope: Scope;
  /** The weights as trainable parameters, when the model was loaded for training. */
  readonly parameters: Parameters | undefined;
  /** Where the tensors of the checkpoint lie in the weights, trainable or not. */
  readonly slices: readonly WeightSlice[];
  /** generation_config.json, or config.json where there is none. */
  readonly generation: JsonObject;
  /** What sentence-transformers has behind it, where that was asked for. */
  readonly sentence?: SentenceHead;
  /** What the caches of generation are stored in. */
  readonly cacheDtype: CacheDtype;
  /** What was overlooked in the files; grows where a file is read late. */
  readonly warnings: Warnings;
  /** Called once at the end of the model's life. */
  readonly onDispose: () => void;
}

/** Refuses to record lists with weights that went with a lost device. */
export function assertCurrent({ scope }: LoadedParts): void {
  if (scope.isCurrent) return;
  throw new TransformerError(
    'DEVICE_LOST',
    'The weights of this model were on a device that is lost. Load it again on the restored one.',
  );
}
