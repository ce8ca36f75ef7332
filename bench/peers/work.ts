// A case as every library gets it: values, which of them are weights, and what is computed of them.

import { type Case, draw, drawIds, kernelInputs, type StackSize, type Values } from './cases.ts';
import {
  decoder,
  embeddingWeights,
  encoder,
  kernel,
  type Named,
  type Operations,
  type Past,
  stackWeights,
} from './models.ts';

export interface Work {
  /** What changes from call to call. */
  readonly inputs: Named<Values>;
  readonly weights: Named<Values>;
  /** The result, and what else a step brings forth. `values`: inputs and weights by their names. */
  readonly compute: <T>(ops: Operations<T>, values: Named<T>) => T[];
}

/** What is computed beforehand, in float64, for models: their vectors, and the past of a step. */
export type Given = Named<Values>;

export function workOf(one: Case, given: Given): Work {
  if (one.kind === 'training step')
    throw new RangeError('a training step is no work of one result');
  if ('rows' in one) {
    const { weight, bias, ...inputs } = kernelInputs(one);
    return {
      inputs,
      weights: { ...(weight && { weight }), ...(bias && { bias }) },
      compute: <T>(ops: Operations<T>, values: Named<T>) => [kernel(ops, values, one)],
    };
  }
  if (one.kind === 'encoder') {
    return {
      inputs: given,
      weights: stackWeights(one),
      compute: <T>(ops: Operations<T>, values: Named<T>) => [
        encoder(ops, values['x'] as T, values, one),
      ],
    };
  }
  return {
    inputs: given,
    weights: { ...stackWeights(one), head: transposed(embeddingWeights(one).tokens) },
    compute: <T>(ops: Operations<T>, values: Named<T>) => {
      const past: Past<T> = Array.from({ length: one.layers }, (_, layer) => {
        return { k: values[`${layer}.k`] as T, v: values[`${layer}.v`] as T };
      });
      // GPT-2's output layer is its embedding, turned.
      const head = values['head'] as T;
      const step = decoder(ops, values['x'] as T, values, { size: one, past, head });
      return [step.logits, ...step.past.flatMap(({ k, v }) => [k, v])];
    },
  };
}

export function transposed({ shape: [rows = 0, columns = 0], data }: Values): Values {
  const turned = new Float32Array(data.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      turned[column * rows + row] = data[row * columns + column] ?? NaN;
    }
  }
  return { shape: [columns, rows], data: turned };
}

/** The tokens of a model's case. */
export function idsOf(size: StackSize): number[] {
  return drawIds(size.past + size.tokens, 31, size.vocabulary);
}

/** The norm behind BERT's embeddings. */
export function embeddingNorm({ width }: StackSize): { weight: Values; bias: Values } {
  return {
    weight: draw([width], 902, { scale: 0.1, bias: 1 }),
    bias: draw([width], 903, { scale: 0.1 }),
  };
}
