// The weights of a model, in whatever structure it keeps them: found, and replaced by others.

import { Tensor } from '../runtime/tensor.ts';
import type { EmbeddingWeights } from '../model/layers/embeddings.ts';
import type { Adapt } from '../model/trainable-model.ts';
import type { ExpertLinear } from '../model/weights/expert-weights.ts';
import type { Linear } from '../model/weights/linear-weights.ts';

/**
 * A structure of weights with what `adapt` makes of it. What it leaves alone stays the same; objects with methods
 * keep them.
 */
export function adaptWeights<T>(structure: T, { linear, experts, embedding, tensors }: Adapt): T {
  const visit = (part: unknown): unknown => {
    if (part instanceof Tensor) return tensors?.get(part) ?? part;
    if (isLinear(part)) return visitFields(linear(part));
    if (experts && isExperts(part)) return visitFields(experts(part));
    if (embedding && isEmbedding(part)) return visitFields(embedding(part));
    return visitFields(part);
  };
  const visitFields = (part: unknown): unknown => {
    if (typeof part !== 'object' || part === null) return part;
    const entries = Object.entries(part).map(([name, item]) => [name, item, visit(item)] as const);
    if (entries.every(([, before, after]) => before === after)) return part;
    if (Array.isArray(part)) return entries.map(([, , after]) => after);
    const like = Object.create(Object.getPrototypeOf(part) as object) as object;
    return Object.assign(like, Object.fromEntries(entries.map(([name, , after]) => [name, after])));
  };
  return visit(structure) as T;
}

/** The tensors and the layers in a structure of weights, each once. */
export function weightsIn(structure: unknown): {
  weights: Tensor[];
  linears: Linear[];
  experts: ExpertLinear[];
} {
  const weights = new Set<Tensor>();
  const linears = new Map<Tensor, Linear>();
  const experts = new Map<Tensor, ExpertLinear>();
  const visit = (part: unknown): void => {
    if (typeof part !== 'object' || part === null) return;
    if (part instanceof Tensor) {
      weights.add(part);
      return;
    }
    if (isLinear(part)) linears.set(part.weight, part);
    if (isExperts(part)) experts.set(part.weight, part);
    Object.values(part).forEach(visit);
  };
  visit(structure);
  return {
    weights: [...weights],
    linears: [...linears.values()],
    experts: [...experts.values()],
  };
}

function isLinear(part: unknown): part is Linear {
  return typeof part === 'object' && part !== null && 'weight' in part && 'parts' in part;
}

function isExperts(part: unknown): part is ExpertLinear {
  return typeof part === 'object' && part !== null && 'weight' in part && 'experts' in part;
}

function isEmbedding(part: unknown): part is EmbeddingWeights {
  return (
    typeof part === 'object' && part !== null && 'tokens' in part && part.tokens instanceof Tensor
  );
}
