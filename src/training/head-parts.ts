// What the heads of all models have in common.

import { TransformerError } from '../runtime/errors.ts';
import type { Gpu } from '../runtime/gpu.ts';
import { Tensor } from '../runtime/tensor.ts';
import type { JsonObject } from '../source/json.ts';
import type { LoadedParts } from '../model/model.ts';
import type { Linear } from '../model/weights/linear-weights.ts';
import type { Parameters, Piece } from '../model/weights/parameters.ts';
import type { Stacks, Substitute } from '../model/training-head.ts';

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

/** The linear layers in a structure of weights, each once. */
function linearsIn(structure: unknown): Linear[] {
  const found = new Map<Tensor, Linear>();
  const visit = (part: unknown): void => {
    if (typeof part !== 'object' || part === null || part instanceof Tensor) return;
    if ('weight' in part && 'parts' in part) {
      const layer = part as Linear;
      found.set(layer.weight, layer);
    }
    Object.values(part).forEach(visit);
  };
  visit(structure);
  return [...found.values()];
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
  readonly linears: readonly Linear[];
  readonly stacks: Stacks;

  /** `structure`: all weights of the model, in whatever shape it keeps them. */
  constructor(
    parts: LoadedParts,
    structure: unknown,
    { embeddings, stacks }: { embeddings: readonly Tensor[]; stacks: Stacks },
  ) {
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
    this.linears = linearsIn(structure);
    this.stacks = stacks;
  }
}

/** The parameters of a model that was loaded for training. */
export function trainableParameters({ parameters }: Pick<LoadedParts, 'parameters'>): Parameters {
  if (parameters !== undefined) return parameters;
  throw new TransformerError(
    'OPTION_INVALID',
    'The model was loaded to run, not to train. Load it with training: true.',
  );
}
