// The tensors of adapters by their names in files, without the model they are for: what rounds of training on several
// machines send, subtract and merge.

import { fieldsOf, isA, TransformerError } from '../../runtime/errors.ts';
import { isListOf } from '../../runtime/lists.ts';
import { show } from '../../runtime/print.ts';
import { elements } from '../../runtime/tensor.ts';
import { openSource } from '../../source/open-source.ts';
import { openSafetensorsFile } from '../../source/safetensors.ts';
import { safetensors } from '../../source/safetensors-writer.ts';
import type { Source } from '../../source/source.ts';
import type { NamedFile } from '../../source/target.ts';
import { readNumbers, weightsFile } from './lora-files.ts';

/** A tensor of an adapter. */
export interface AdapterTensor {
  /** The sizes of its axes: of a lora_A.weight (rank, input), of a lora_B.weight (output, rank). */
  readonly shape: readonly number[];
  /** Its values, row by row. */
  readonly data: Float32Array;
}

/** The tensors of an adapter, or differences of such, by their names in adapter_model.safetensors. */
export type AdapterTensors = Readonly<Record<string, AdapterTensor>>;

/**
 * The tensors of an adapter that `save` or PEFT wrote to a folder, widened to f32; no model is needed. Paths are opened
 * where the entry `webgpu-transformer` is imported as well.
 * @throws TransformerError FILE_*, MODEL_UNSUPPORTED
 */
export async function adapterTensors(source: string | URL | Source): Promise<AdapterTensors> {
  const files = openSource(source);
  try {
    const entries = await openSafetensorsFile(files, weightsFile);
    return Object.fromEntries(await readNumbers(files, entries));
  } finally {
    files.release?.();
  }
}

/**
 * The file that `adapterTensors` reads: adapter_model.safetensors, in f32. Beside the adapter_config.json of an adapter
 * with tensors of these names and shapes it is an adapter. The same tensors give the same bytes.
 * @throws TransformerError INPUT_INVALID
 */
export function adapterFile(tensors: AdapterTensors): NamedFile {
  const checked = checkTensors(tensors, 'The adapter');
  return { name: weightsFile, bytes: safetensors(checked) };
}

/**
 * What training changed: `after` − `before`, tensor by tensor.
 * @throws TransformerError INPUT_INVALID; TENSOR_MISMATCH for tensors of other names or shapes
 */
export function adapterDelta(after: AdapterTensors, before: AdapterTensors): AdapterTensors {
  const first = checkTensors(before, 'The adapter before');
  const then = checkTensors(after, 'The adapter after');
  expectAlike(then, 'The adapter after', first, 'the one before');
  return mapTensors(first, (name, { data }) => {
    const trained = dataOf(then, name);
    const delta = data.map((value, i) => (trained[i] ?? 0) - value);
    expectFinite(delta, `The difference of "${name}"`, 'INPUT_INVALID');
    return delta;
  });
}

/** Checked tensors by their names. */
export type CheckedTensors = ReadonlyMap<string, AdapterTensor>;

/** `what` begins the message. Errors: INPUT_INVALID. */
export function checkTensors(given: unknown, what: string): CheckedTensors {
  const tensors = new Map<string, AdapterTensor>();
  for (const [name, one] of fieldsOf(given, what)) {
    const { shape, data } = Object.fromEntries(fieldsOf(one, `Tensor ${show(name)} of ${what}`));
    const isSize = (size: unknown): boolean => Number.isSafeInteger(size) && Number(size) >= 0;
    if (
      !isListOf(shape, isSize) ||
      !isA(data, Float32Array) ||
      data.length !== elements(shape as number[])
    ) {
      throw new TransformerError(
        'INPUT_INVALID',
        `Tensor ${show(name)} of ${lowered(what)} is ${show(one)}; wanted { shape, data }, data being a Float32Array of ` +
          'as many values as the shape says.',
      );
    }
    expectFinite(data, `Tensor ${show(name)} of ${lowered(what)}`, 'INPUT_INVALID');
    tensors.set(name, { shape: shape as number[], data });
  }
  if (tensors.size > 0) return tensors;
  throw new TransformerError('INPUT_INVALID', `${what} has no tensors. Pass those of an adapter.`);
}

/** Refuses tensors of other names or shapes than the first. Errors: TENSOR_MISMATCH. */
export function expectAlike(
  tensors: CheckedTensors,
  what: string,
  first: CheckedTensors,
  other: string,
): void {
  const names = new Set([...first.keys(), ...tensors.keys()]);
  for (const name of names) {
    const [shape, wanted] = [tensors.get(name)?.shape, first.get(name)?.shape];
    if (shape !== undefined && wanted !== undefined && shape.join() === wanted.join()) continue;
    throw new TransformerError(
      'TENSOR_MISMATCH',
      `${what} has ${described(name, shape)}, ${other} has ${described(name, wanted)}. ` +
        'Take adapters of one base model and one configuration.',
    );
  }
}

function described(name: string, shape: readonly number[] | undefined): string {
  return shape === undefined ? `no tensor ${show(name)}` : `${show(name)} as (${shape.join(', ')})`;
}

/** Refuses values that are no finite numbers. `what` begins the message. */
export function expectFinite(
  data: Float32Array,
  what: string,
  code: 'INPUT_INVALID' | 'TRAINING_DIVERGED',
): void {
  const at = data.findIndex((value) => !Number.isFinite(value));
  if (at < 0) return;
  throw new TransformerError(
    code,
    `${what} has a value at ${at} that is no finite number. Leave this adapter out of the round.`,
  );
}

/** Tensors of the same names and shapes with other values. */
export function mapTensors(
  tensors: CheckedTensors,
  valuesOf: (name: string, tensor: AdapterTensor) => Float32Array,
): AdapterTensors {
  return Object.fromEntries(
    Array.from(tensors, ([name, tensor]) => {
      return [name, { shape: [...tensor.shape], data: valuesOf(name, tensor) }];
    }),
  );
}

/** The values of a tensor that is there. */
export function dataOf(tensors: CheckedTensors, name: string): Float32Array {
  return tensors.get(name)?.data ?? new Float32Array(0);
}

function lowered(what: string): string {
  return what.charAt(0).toLowerCase() + what.slice(1);
}
