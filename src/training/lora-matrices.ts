// The matrices A and B of low-rank updates: their memory, their first values, and the lists that add
// B·A to the weights.

import type { Recording } from '../runtime/record.ts';
import type { Scope } from '../runtime/scope.ts';
import { elements, type Tensor } from '../runtime/tensor.ts';
import { ParameterArena } from '../model/weights/parameter-arena.ts';
import type { Parameters, Piece } from '../model/weights/parameters.ts';
import { Random } from '../model/random.ts';
import type { StoredValues } from '../source/safetensors-writer.ts';
import type { Substitute } from '../model/trainable-model.ts';
import { lora } from '../shaders/matmul/lora.ts';
import { matmul } from '../shaders/matmul/matmul.ts';
import { tensorName } from './lora-files.ts';
import type { LinearLayer } from './lora-targets.ts';

/** A layer with its matrices. */
export interface AdaptedLayer extends LinearLayer {
  /** (rank, input) */
  readonly a: Tensor;
  /** (out, rank) */
  readonly b: Tensor;
}

/** Matrices of 0 for these layers, in common buffers for a trainer, by their names in files. */
export function allocateMatrices(
  scope: Scope,
  layers: readonly LinearLayer[],
  rank: number,
): { layers: AdaptedLayer[]; parameters: Parameters } {
  const shapes = layers.flatMap(({ out, input }) => [
    [rank, input],
    [out, rank],
  ]);
  const arena = new ParameterArena(scope, shapes);
  const pieces: Piece[] = [];
  const place = (name: string, shape: readonly number[]): Tensor => {
    const tensor = arena.place(name, shape);
    pieces.push({ name, shape, storedFirst: 0, tensor, first: 0, size: elements(shape) });
    return tensor;
  };
  const adapted = layers.map((layer) => ({
    ...layer,
    a: place(tensorName(layer.name, 'A'), [rank, layer.input]),
    b: place(tensorName(layer.name, 'B'), [layer.out, rank]),
  }));
  const { segments, places } = arena;
  return { layers: adapted, parameters: { segments, places, pieces, constants: [] } };
}

/** The values that matrices begin with: B is 0, A is drawn uniformly from ±1/√input. */
export function drawMatrices(
  layers: readonly AdaptedLayer[],
  seed: number,
): Map<string, StoredValues> {
  const random = new Random(seed);
  const values = new Map<string, StoredValues>();
  for (const { a, b, input } of layers) {
    const bound = 1 / Math.sqrt(input);
    const drawn = Float32Array.from(
      { length: elements(a.shape) },
      () => bound * (2 * random.next() - 1),
    );
    values.set(a.label, { shape: a.shape, data: drawn });
    values.set(b.label, { shape: b.shape, data: new Float32Array(elements(b.shape)) });
  }
  return values;
}

/** Has a list use W + scale·B·A in place of each weight W that holds some of these layers. */
export function updateWeights(
  recording: Recording,
  layers: readonly AdaptedLayer[],
  scale: number,
): Substitute {
  const made = new Map<Tensor, Tensor>();
  return (weight) => {
    const known = made.get(weight);
    if (known !== undefined) return known;
    const held = layers.filter(({ tensor }) => tensor === weight);
    const updated = held.reduce((sofar, { name, a, b, first }) => {
      const delta = matmul(onTape(recording, b), onTape(recording, a), { label: `Δ ${name}` });
      return lora(sofar, delta, { first, scale });
    }, weight);
    made.set(weight, updated);
    return updated;
  };
}

/** Stands in for a parameter in a list, so that operations and their gradients find it there. */
function onTape(recording: Recording, parameter: Tensor): Tensor {
  const used = recording.use(parameter);
  // A sum of one term: the gradient passes through as it is.
  recording.differentiate({ op: 'add', output: used, inputs: [parameter] });
  return used;
}
