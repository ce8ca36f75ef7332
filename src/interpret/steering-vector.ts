// Directions in activations: from texts of one kind to those of another.

import { refuseUnknown, throwIfAborted, TransformerError } from '../runtime/errors.ts';
import { isListOf } from '../runtime/lists.ts';
import type { DenseTensor } from '../model/inputs/inputs.ts';
import type { Model, ModelInputs } from '../model/model.ts';
import { type CallOptions, captureOf, pointsAt, repeated } from './runs.ts';
import { invalidOption } from '../training/check.ts';

/** Options of `steeringVector`. */
export interface SteeringOptions extends CallOptions {
  /** One point with positions and a width, as `layers.5.output`. */
  at: string;
  /** Inputs of the kind that the vector leads to, one sequence each. */
  positive: readonly ModelInputs[];
  /** Inputs of the kind that it leads away from. */
  negative: readonly ModelInputs[];
  /** Which tokens count: the last of each sequence (default), or the mean of all. */
  over?: 'last' | 'all';
}

/**
 * The difference of the means of activations, (d): add it while generating, `scale` times. "Steering Llama 2 via
 * Contrastive Activation Addition" (Rimsky et al. 2023, arXiv 2312.06681, §3); "Extracting Latent Steering Vectors from
 * Pretrained Language Models" (Subramani et al. 2022, arXiv 2205.05124).
 * @throws TransformerError OPTION_INVALID, OPTION_UNKNOWN, INPUT_INVALID, ABORTED
 * @example
 * const add = await steeringVector(model, { at: 'layers.2.output', positive, negative });
 * await model.generate(inputs, { edit: [{ at: 'layers.2.output', add, scale: 4 }] });
 */
export async function steeringVector(
  model: Model,
  options: SteeringOptions,
): Promise<Float32Array<ArrayBuffer>> {
  refuseUnknown(
    options,
    ['at', 'positive', 'negative', 'over', 'signal'],
    'option of steeringVector',
  );
  const { at, positive, negative, over = 'last', signal } = options;
  if (!['last', 'all'].includes(over)) throw invalidOption('over', over, "'last' or 'all'");
  const [point, ...others] = await pointsAt(model, at);
  if (point === undefined || others.length > 0 || point.shape.length !== 3) {
    throw invalidOption('at', at, 'one point of positions and a width, layers.2.output say');
  }
  const meanOf = async (name: string, all: readonly ModelInputs[]): Promise<Float64Array> => {
    if (!isListOf(all, () => true) || all.length === 0) {
      throw invalidOption(name, all, 'inputs of one sequence each, at least one');
    }
    let sum: Float64Array | undefined;
    for (const inputs of all) {
      throwIfAborted(signal);
      const one = repeated(inputs, 1);
      const { captured = {} } = await model.forward(one, {
        capture: [point.name],
        ...(signal !== undefined && { signal }),
      });
      const state = stateOf(captureOf(captured, point.name), over);
      sum = sum?.map((value, i) => value + (state[i] ?? 0)) ?? state;
    }
    if (sum === undefined) throw new RangeError('no inputs');
    return sum.map((value) => value / all.length);
  };
  const [to, from] = [await meanOf('positive', positive), await meanOf('negative', negative)];
  const vector = Float32Array.from(to, (value, i) => value - (from[i] ?? 0));
  if (vector.some((value) => value !== 0)) return vector;
  throw new TransformerError(
    'INPUT_INVALID',
    `The activations of both kinds are alike at ${point.name}. Pass inputs that differ.`,
  );
}

/** What is taken of one sequence, (1, T, d). */
function stateOf({ data, shape }: DenseTensor, over: 'last' | 'all'): Float64Array {
  const [, tokens = 1, size = 1] = shape;
  const first = over === 'last' ? tokens - 1 : 0;
  const state = new Float64Array(size);
  for (let token = first; token < tokens; token++) {
    for (let i = 0; i < size; i++) {
      state[i] = (state[i] ?? 0) + (data[token * size + i] ?? 0) / (tokens - first);
    }
  }
  return state;
}
