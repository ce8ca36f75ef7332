// Merging low-rank updates into the weights: what stands in the adapted rows, and what will.

import type { Gpu } from '../../runtime/gpu.ts';
import { partsOf } from '../../runtime/parts.ts';
import { Plan } from '../../runtime/plan.ts';
import { readBack } from '../../runtime/read-back.ts';
import { Recording } from '../../runtime/record.ts';
import { blocksOf, bytesOf } from '../../runtime/dtype.ts';
import { TransformerError } from '../../runtime/errors.ts';
import { Tensor } from '../../runtime/tensor.ts';
import { write } from '../../model/weights/slice-writer.ts';
import { encoded } from '../../model/weights/weight-formats.ts';
import { lora } from '../../shaders/matmul/adapters/lora.ts';
import { matmul } from '../../shaders/matmul/matmul.ts';
import type { AdaptedLayer } from './lora-matrices.ts';
import type { LinearLayer } from './lora-targets.ts';

/** The rows of one layer, as they are stored before a merge, and what they become. */
interface MergedRows {
  readonly tensor: Tensor;
  readonly before: Uint8Array;
  readonly merged: Uint8Array;
  /** Puts bits in their place. */
  readonly write: (bits: Uint8Array) => void;
}

/** What is merged into a weight. It belongs to the weight, so it goes when that goes. */
const mergedInto = new WeakMap<Tensor, Merge>();

/** Whether something is merged into one of these layers. */
export function isMergedInto(layers: readonly LinearLayer[]): boolean {
  return layers.some(({ tensor }) => mergedInto.has(tensor));
}

/** An update that stands in the weights, with the rows that stood there. */
export class Merge {
  readonly #rows: readonly Omit<MergedRows, 'merged'>[];

  /** Writes the update. */
  constructor(rows: readonly MergedRows[]) {
    for (const { write: put, merged } of rows) put(merged);
    this.#rows = rows.map(({ tensor, before, write: put }) => ({ tensor, before, write: put }));
    for (const { tensor } of rows) mergedInto.set(tensor, this);
  }

  /** Puts the rows back. */
  undo(): void {
    for (const { write: put, before } of this.#rows) put(before);
    this.letGo();
  }

  /** Forgets what stood in the weights. */
  letGo(): void {
    for (const { tensor } of this.#rows) {
      if (mergedInto.get(tensor) === this) mergedInto.delete(tensor);
    }
  }
}

/**
 * Computes the updated rows of layers, in their storage format, and reads the present ones.
 * @throws TransformerError OPTION_INVALID when f16 cannot hold one of the results, MODEL_UNSUPPORTED for
 *   weights in blocks
 */
export async function mergedRows(gpu: Gpu, layers: readonly AdaptedLayer[]): Promise<MergedRows[]> {
  const inBlocks = layers.find(({ tensor }) => blocksOf(tensor.dtype));
  if (inBlocks) {
    throw new TransformerError(
      'MODEL_UNSUPPORTED',
      `"${inBlocks.name}.weight" is held as ${inBlocks.tensor.dtype}, whose steps are too coarse to merge into. ` +
        "Use the adapter as it is, beside the weights, or load the model with dtype: 'f16'.",
    );
  }
  const places = layers.map(rowsOf);
  const before = await readBack(gpu, places);
  const tensors = [...new Set(layers.map(({ tensor }) => tensor))];
  const updated = new Map<Tensor, Float32Array>();
  const recording = new Recording(gpu);
  try {
    const plan = await Plan.create(
      recording,
      tensors.map((tensor) => updatedWeight(recording, tensor, layers)),
    );
    const outputs = await plan.play();
    tensors.forEach((tensor, index) => {
      updated.set(tensor, new Float32Array(outputs[index] ?? new ArrayBuffer(0)));
    });
  } finally {
    recording.dispose();
  }
  return layers.map((layer, index) => {
    const { name, tensor, first, out, input } = layer;
    const values = updated.get(tensor)?.subarray(first * input, (first + out) * input);
    const place = places[index];
    if (values === undefined || place === undefined) throw new RangeError(`no rows: ${name}`);
    return {
      tensor,
      before: new Uint8Array(before[index] ?? new ArrayBuffer(0)),
      merged: encoded(tensor, values, `Merged, "${name}.weight" would hold`),
      write: (bits) => write(gpu, place, 0, bits),
    };
  });
}

/** W + scale·B·A of all layers that a weight holds. */
function updatedWeight(
  recording: Recording,
  weight: Tensor,
  layers: readonly AdaptedLayer[],
): Tensor {
  const held = layers.filter(({ tensor }) => tensor === weight);
  return held.reduce((sofar, { name, a, b, first, scale }) => {
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
    const start = offset + bytesOf(dtype, from * pitch);
    return [
      new Tensor({ ...shared, shape: [rows, input], ...(buffer && { buffer }), offset: start }),
    ];
  });
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  return new Tensor({ ...shared, shape: [out, input], parts });
}
