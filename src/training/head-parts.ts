// What the heads of all models have in common.

import { TransformerError } from '../runtime/errors.ts';
import type { Gpu } from '../runtime/gpu.ts';
import { Tensor } from '../runtime/tensor.ts';
import type { JsonObject } from '../source/json.ts';
import type { LoadedParts } from '../model/model.ts';
import type { Linear } from '../model/weights/linear-weights.ts';
import type { Parameters, WeightSlice } from '../model/weights/parameters.ts';
import type { Adapt, Stacks } from '../model/training-head.ts';

/** A structure of weights with what `adapt` makes of its linear layers; what has none stays the same. */
export function adaptLinears<T>(structure: T, adapt: Adapt): T {
  const visit = (part: unknown): unknown => {
    if (isLinear(part)) return adapt(part);
    if (typeof part !== 'object' || part === null || part instanceof Tensor) return part;
    const entries = Object.entries(part).map(([name, item]) => [name, item, visit(item)] as const);
    if (entries.every(([, before, after]) => before === after)) return part;
    if (Array.isArray(part)) return entries.map(([, , after]) => after);
    return Object.fromEntries(entries.map(([name, , after]) => [name, after]));
  };
  return visit(structure) as T;
}

/** The tensors and the linear layers in a structure of weights, each once. */
function weightsIn(structure: unknown): { weights: Tensor[]; linears: Linear[] } {
  const weights = new Set<Tensor>();
  const linears = new Map<Tensor, Linear>();
  const visit = (part: unknown): void => {
    if (typeof part !== 'object' || part === null) return;
    if (part instanceof Tensor) {
      weights.add(part);
      return;
    }
    if (isLinear(part)) linears.set(part.weight, part);
    Object.values(part).forEach(visit);
  };
  visit(structure);
  return { weights: [...weights], linears: [...linears.values()] };
}

function isLinear(part: unknown): part is Linear {
  return typeof part === 'object' && part !== null && 'weight' in part && 'parts' in part;
}

/** What every head takes over from its model. */
export class HeadParts {
  readonly gpu: Gpu;
  readonly config: JsonObject;
  readonly generation: JsonObject;
  readonly parameters: Parameters | undefined;
  readonly slices: readonly WeightSlice[];
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
    const { gpu, config, generation, parameters, slices } = parts;
    this.gpu = gpu;
    this.config = config;
    this.generation = generation;
    this.parameters = parameters;
    this.slices = slices;
    this.embeddings = embeddings;
    const { weights, linears } = weightsIn(structure);
    this.weights = weights;
    this.linears = linears;
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
