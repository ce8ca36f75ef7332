// Calls of a model that this entry is made of: one sequence, alone or many times over.

import { fieldsOf, TransformerError } from '../runtime/errors.ts';
import { show } from '../runtime/print.ts';
import { elements } from '../runtime/tensor.ts';
import type { DenseTensor } from '../model/inputs/inputs.ts';
import type { Model, ModelInputs, ModelOutput } from '../model/model.ts';
import { pointsNamed } from '../model/points/point-names.ts';
import type { ModelPoint } from '../model/points/point-options.ts';
import { isTensor, pointsOf } from './checks.ts';

/** What all calls take besides. */
export interface CallOptions {
  /** Ends the call with an `AbortError`. */
  signal?: AbortSignal;
}

/** `forward` with what it is asked for. */
export interface Captured {
  readonly logits: DenseTensor;
  readonly captured: Readonly<Record<string, DenseTensor>>;
}

/** The logits of a call, with what it captured. Errors: MODEL_UNSUPPORTED where there are none. */
export function logitsOf({ logits, captured = {} }: ModelOutput): Captured {
  if (logits !== undefined) return { logits, captured };
  throw new TransformerError(
    'MODEL_UNSUPPORTED',
    'This model has no logits to look at. Load one with a head, of a language model or a classifier.',
  );
}

/** The activation at a point. */
export function captureOf(captured: Captured['captured'], name: string): DenseTensor {
  const tensor = captured[name];
  if (tensor === undefined) throw new RangeError(`${name} was not captured`);
  return tensor;
}

/** The points of a name or pattern. Errors: OPTION_INVALID. */
export async function pointsAt(model: Model, at: string): Promise<readonly ModelPoint[]> {
  if (typeof at !== 'string') {
    throw new TransformerError('OPTION_INVALID', `at is ${show(at)}; wanted the name of a point.`);
  }
  const points = await pointsOf(model);
  return pointsNamed(at, points).found;
}

/** The prefix of the points of the stack that gives the logits: empty, or `decoder.`. */
export function prefixOf(points: readonly ModelPoint[]): string {
  return points.some(({ name }) => name.startsWith('decoder.')) ? 'decoder.' : '';
}

/** The numbers of the layers of that stack. */
export function layersOf(points: readonly ModelPoint[], prefix: string): number[] {
  const numbers = points.flatMap(({ name }) => {
    const [, layer] = new RegExp(`^${prefix}layers\\.(\\d+)\\.output$`).exec(name) ?? [];
    return layer === undefined ? [] : [Number(layer)];
  });
  return numbers.toSorted((a, b) => a - b);
}

/** One sequence, `times` over. Errors: INPUT_INVALID where there are more. */
export function repeated(inputs: ModelInputs, times: number): ModelInputs {
  return Object.fromEntries(
    fieldsOf(inputs, 'The object of inputs').map(([name, value]) => {
      if (Array.isArray(value)) {
        oneOf(name, value.length);
        return [name, Array.from({ length: times }, (): unknown => value[0])];
      }
      return [name, isTensor(value) ? repeatedTensor(name, value, times) : value];
    }),
  );
}

function repeatedTensor(name: string, { data, shape }: DenseTensor, times: number): DenseTensor {
  const [batch = 0, ...own] = shape;
  oneOf(name, batch);
  const size = elements(own);
  const all = new Float32Array(times * size);
  for (let row = 0; row < times; row++) all.set(data, row * size);
  return { data: all, shape: [times, ...own] };
}

function oneOf(name: string, sequences: number): void {
  if (sequences === 1) return;
  throw new TransformerError(
    'INPUT_INVALID',
    `${name} has ${sequences} sequences; wanted one. Look at them one by one.`,
  );
}
