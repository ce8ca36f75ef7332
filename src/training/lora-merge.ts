// Merging low-rank updates into the weights: what stands in the adapted rows, and what will.

import { TransformerError } from '../runtime/errors.ts';
import type { Gpu } from '../runtime/gpu.ts';
import { partsOf } from '../runtime/parts.ts';
import { Plan } from '../runtime/plan.ts';
import { readBack } from '../runtime/read-back.ts';
import { Recording } from '../runtime/record.ts';
import { dtypeBytes, Tensor } from '../runtime/tensor.ts';
import { float32ToBfloat16, float32ToFloat16 } from '../source/float16.ts';
import { write } from '../model/weights/weight-storage.ts';
import { lora } from '../shaders/matmul/lora.ts';
import { matmul } from '../shaders/matmul/matmul.ts';
import type { AdaptedLayer } from './lora-matrices.ts';
import type { LinearLayer } from './lora-targets.ts';

/** The rows of one layer, as they are stored before a merge. */
export interface SavedRows {
  readonly before: Uint16Array;
  /** Puts bits in their place. */
  readonly write: (bits: Uint16Array) => void;
}

/** The same, and what they become. */
export interface MergedRows extends SavedRows {
  readonly merged: Uint16Array;
}

/**
 * Computes the updated rows of layers, in their storage format, and reads the present ones.
 * @throws TransformerError OPTION_INVALID when f16 cannot hold one of the results
 */
export async function mergedRows(
  gpu: Gpu,
  layers: readonly AdaptedLayer[],
  scale: number,
): Promise<MergedRows[]> {
  const places = layers.map(rowsOf);
  const before = await readBack(gpu, places);
  const tensors = [...new Set(layers.map(({ tensor }) => tensor))];
  const updated = new Map<Tensor, Float32Array>();
  const recording = new Recording(gpu);
  try {
    const plan = await Plan.create(
      recording,
      tensors.map((tensor) => updatedWeight(recording, tensor, layers, scale)),
    );
    const outputs = await plan.play();
    tensors.forEach((tensor, index) => {
      updated.set(tensor, new Float32Array(outputs[index] ?? new ArrayBuffer(0)));
    });
  } finally {
    recording.dispose();
  }
  return layers.map((layer, index) => {
    const { tensor, first, out, input } = layer;
    const values = updated.get(tensor)?.subarray(first * input, (first + out) * input);
    const place = places[index];
    if (values === undefined || place === undefined) throw new RangeError(`no rows: ${layer.name}`);
    return {
      before: new Uint16Array(before[index] ?? new ArrayBuffer(0)),
      merged: stored(values, layer),
      write: (bits) => write(gpu, place, 0, bits),
    };
  });
}

/** W + scale·B·A of all layers that a weight holds. */
function updatedWeight(
  recording: Recording,
  weight: Tensor,
  layers: readonly AdaptedLayer[],
  scale: number,
): Tensor {
  const held = layers.filter(({ tensor }) => tensor === weight);
  return held.reduce((sofar, { name, a, b, first }) => {
    const delta = matmul(recording.use(b), a, { label: `Δ ${name}` });
    return lora(sofar, delta, { first, scale });
  }, weight);
}

/** The rows of a tensor that belong to a layer. */
function rowsOf({ name, tensor, first, out, input }: LinearLayer): Tensor {
  const { dtype, pitch } = tensor;
  const shared = { label: name, dtype, pitch };
  const parts = partsOf(tensor).flatMap((part) => {
    const { buffer, offset } = part.tensor;
    const from = Math.max(0, first - part.first);
    const rows = Math.min(part.rows, first + out - part.first) - from;
    if (rows <= 0) return [];
    const start = offset + from * pitch * dtypeBytes(dtype);
    return [
      new Tensor({ ...shared, shape: [rows, input], ...(buffer && { buffer }), offset: start }),
    ];
  });
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  return new Tensor({ ...shared, shape: [out, input], parts });
}

/** Rows of numbers as the layer's tensor stores them: rounded, and with its padding between rows. */
function stored(values: Float32Array, { name, tensor, input, out }: LinearLayer): Uint16Array {
  const { dtype, pitch } = tensor;
  if (dtype === 'f32') return new Uint16Array(values.slice().buffer);
  const halves = dtype === 'f16' ? float32ToFloat16(values) : float32ToBfloat16(values);
  const overflow = dtype === 'f16' ? halves.findIndex((bits) => (bits & 0x7fff) === 0x7c00) : -1;
  if (overflow >= 0) {
    throw new TransformerError(
      'OPTION_INVALID',
      `Merged, "${name}.weight" would hold ${values[overflow]}, which f16 cannot hold (65504 at ` +
        "most). Load the model with dtype: 'f32'.",
    );
  }
  const rows = new Uint16Array(out * pitch);
  for (let row = 0; row < out; row++) {
    rows.set(halves.subarray(row * input, (row + 1) * input), row * pitch);
  }
  return rows;
}
