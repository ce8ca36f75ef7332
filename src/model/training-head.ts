// What a trainer needs of a model: its parameters, and a list that computes logits for a batch.

import { TransformerError } from '../runtime/errors.ts';
import type { Gpu } from '../runtime/gpu.ts';
import type { Plan } from '../runtime/plan.ts';
import type { Recording } from '../runtime/record.ts';
import { Tensor } from '../runtime/tensor.ts';
import type { JsonObject } from './json.ts';
import type { LoadedParts, ModelInputs } from './model.ts';
import type { Parameters, Piece } from './parameters.ts';

/** Stands in for weights while a list is recorded, with what a fine-tuning method makes of them. */
export type Substitute = (weight: Tensor) => Tensor;

/** A batch that was checked, and padded in thought: batches of one key share a list. */
export interface TrainingBatch {
  readonly key: string;
  /** What its lengths are padded to multiples of. */
  readonly padToMultipleOf: number;
  /** Labels that count. */
  readonly labels: number;
  /** Tokens that are no padding, of source and target together. */
  readonly tokens: number;
}

export interface TrainingGraph<Batch extends TrainingBatch = TrainingBatch> {
  /** (B, T, V) */
  readonly logits: Tensor;
  /** (B, T), -100 where nothing counts */
  readonly labels: Tensor;
  /** Writes the inputs of a batch with the key that the list was recorded for. */
  write(plan: Plan, batch: Batch): void;
}

/** Sequence to sequence, language model or classifier, as a trainer sees it. */
export interface TrainingHead<Batch extends TrainingBatch = TrainingBatch> {
  readonly gpu: Gpu;
  readonly config: JsonObject;
  readonly generation: JsonObject;
  /** Undefined when the model was not loaded with `training: true`. */
  readonly parameters: Parameters | undefined;
  /** Where the tensors of the checkpoint lie in the weights, trainable or not. */
  readonly pieces: readonly Piece[];
  /** Weights that are looked up by token, whatever else they serve for. */
  readonly embeddings: readonly Tensor[];
  /** All weight tensors by the name of the checkpoint's tensors they hold. */
  readonly weights: readonly Tensor[];
  /**
   * Checks a batch. Lengths are padded to multiples of `multiple`.
   * @throws TransformerError INPUT_INVALID
   */
  prepare(inputs: ModelInputs, multiple: number): Batch;
  /** Appends the forward pass for batches like this one. */
  record(recording: Recording, batch: Batch, substitute?: Substitute): TrainingGraph<Batch>;
}

/** Replaces every tensor in a structure of weights. */
export function mapTensors<T>(value: T, substitute: Substitute): T {
  const visit = (part: unknown): unknown => {
    if (part instanceof Tensor) return substitute(part);
    if (Array.isArray(part)) return part.map(visit);
    if (typeof part !== 'object' || part === null) return part;
    return Object.fromEntries(Object.entries(part).map(([name, item]) => [name, visit(item)]));
  };
  return visit(value) as T;
}

/** What every head takes over from its model. */
export class HeadParts {
  readonly gpu: Gpu;
  readonly config: JsonObject;
  readonly generation: JsonObject;
  readonly parameters: Parameters | undefined;
  readonly pieces: readonly Piece[];
  readonly embeddings: readonly Tensor[];
  readonly weights: readonly Tensor[];

  /** `structure`: all weights of the model, in whatever shape it keeps them. */
  constructor(parts: LoadedParts, structure: unknown, embeddings: readonly Tensor[]) {
    const { gpu, config, generation, parameters, pieces } = parts;
    this.gpu = gpu;
    this.config = config;
    this.generation = generation;
    this.parameters = parameters;
    this.pieces = pieces;
    this.embeddings = embeddings;
    const weights = new Set<Tensor>();
    mapTensors(structure, (tensor) => {
      weights.add(tensor);
      return tensor;
    });
    this.weights = [...weights];
  }
}

/** Refuses to train models that cannot. */
export function cannotTrain(what: string): TransformerError {
  return new TransformerError('MODEL_UNSUPPORTED', `${what} has no loss to train it on.`);
}

/** The parameters of a model that was loaded for training. */
export function trainableParameters({ parameters }: Pick<LoadedParts, 'parameters'>): Parameters {
  if (parameters !== undefined) return parameters;
  throw new TransformerError(
    'OPTION_INVALID',
    'The model was loaded to run, not to train. Load it with training: true.',
  );
}
