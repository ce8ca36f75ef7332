// Merging low-rank updates into the weights: what stands in the adapted rows, and what will.

import type { Gpu } from '../../runtime/gpu.ts';
import { partsOf } from '../../runtime/parts.ts';
import { Plan } from '../../runtime/plan.ts';
import { allOf, readBack } from '../../runtime/read-back.ts';
import { Recording } from '../../runtime/record.ts';
import { blocksOf, bytesOf } from '../../runtime/dtype.ts';
import { TransformerError } from '../../runtime/errors.ts';
import { Tensor } from '../../runtime/tensor.ts';
import { write } from '../../model/weights/slice-writer.ts';
import { encoded } from '../../model/weights/weight-formats.ts';
import { columnScale } from '../../shaders/elementwise/column-scale.ts';
import { lora } from '../../shaders/matmul/adapters/lora.ts';
import { matmul } from '../../shaders/matmul/matmul.ts';
import type { AdaptedLayer } from './lora-matrices.ts';

/** The rows of one layer, or all of a weight, as they are stored before a merge, and what they become. */
export interface MergedRows {
  readonly tensor: Tensor;
  readonly before: Uint8Array;
  readonly merged: Uint8Array;
  /** Puts bits in their place. */
  readonly write: (bits: Uint8Array) => void;
}

/** What is merged into a weight. It belongs to the weight, so it goes when that goes. */
const mergedInto = new WeakMap<Tensor, Merge>();

/** Whether something is merged into one of these weights. */
export function isMergedInto(weights: readonly Tensor[]): boolean {
  return weights.some((weight) => mergedInto.has(weight));
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
  for (const layer of layers) {
    expectFine(`${layer.name}.weight`, layer.tensor);
    expectUntied(layer);
  }
  const places = layers.map(rowsOf);
  const before = await readBack(gpu, places);
  const magnitudes = await readBack(
    gpu,
    layers.flatMap(({ magnitude }) => magnitude ?? []),
  );
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
    // All layers of an adapter have magnitudes, or none.
    const lengths = magnitudes[index] ?? new ArrayBuffer(0);
    if (values === undefined || place === undefined) throw new RangeError(`no rows: ${name}`);
    return {
      tensor,
      before: new Uint8Array(before[index] ?? new ArrayBuffer(0)),
      merged: encoded(
        tensor,
        layer.magnitude ? scaledRows(values, new Float32Array(lengths)) : values,
        `Merged, "${name}.weight" would hold`,
      ),
      write: (bits) => write(gpu, place, 0, bits),
    };
  });
}

/** Rows, as many as there are lengths, brought to these (DoRA, eq. 5). */
function scaledRows(rows: Float32Array, lengths: Float32Array): Float32Array {
  const columns = rows.length / lengths.length;
  const factors = Array.from(lengths, (length, row) => {
    const own = rows.subarray(row * columns, (row + 1) * columns);
    return length / Math.sqrt(own.reduce((sum, value) => sum + value ** 2, 0));
  });
  return rows.map((value, i) => value * (factors[Math.floor(i / columns)] ?? 0));
}

/**
 * The weights that train whole, in the storage format of those they stand for, and these.
 * @throws as `mergedRows`
 */
export async function wholeRows(
  gpu: Gpu,
  whole: ReadonlyMap<Tensor, Tensor>,
): Promise<MergedRows[]> {
  const bases = [...whole.keys()];
  for (const base of bases) expectFine(base.label, base);
  const [before, own] = await allOf([readBack(gpu, bases), readBack(gpu, [...whole.values()])]);
  return bases.map((tensor, index) => {
    const values = new Float32Array(own[index] ?? new ArrayBuffer(0));
    return {
      tensor,
      before: new Uint8Array(before[index] ?? new ArrayBuffer(0)),
      merged: encoded(tensor, values, `Merged, "${tensor.label}" would hold`),
      write: (bits) => write(gpu, tensor, 0, bits),
    };
  });
}

/** Refuses weights whose format cannot hold what is merged. */
function expectFine(name: string, { dtype }: Tensor): void {
  if (!blocksOf(dtype)) return;
  throw new TransformerError(
    'MODEL_UNSUPPORTED',
    `"${name}" is held as ${dtype}, whose steps are too coarse to merge into. ` +
      "Use the adapter as it is, beside the weights, or load the model with dtype: 'f16'.",
  );
}

/** Refuses embeddings that are the output layer, too: an update is of the embedding alone, as in PEFT. */
function expectUntied({ name, isEmbedding, isTied }: AdaptedLayer): void {
  if (!isEmbedding || !isTied) return;
  throw new TransformerError(
    'MODEL_UNSUPPORTED',
    `"${name}" is the output layer, too, which its update leaves alone; merged, it would change both. ` +
      'Use the adapter as it is, beside the weights: withAdapters(model, adapter).',
  );
}

/** W + scale·B·A of all layers that a weight holds, of experts each its own; of an embedding W + scale·(B·A)ᵀ. */
function updatedWeight(
  recording: Recording,
  weight: Tensor,
  layers: readonly AdaptedLayer[],
): Tensor {
  const held = layers.filter(({ tensor }) => tensor === weight);
  return held.reduce((sofar, layer) => {
    const { first, scale } = layer;
    return lora(sofar, deltaOf(recording, layer), { first, scale });
  }, weight);
}

function deltaOf(recording: Recording, layer: AdaptedLayer): Tensor {
  const { name, a, b, singular, experts, isEmbedding } = layer;
  const label = `Δ ${name}`;
  if (isEmbedding) return matmul(recording.use(a), b, { transposed: true, label });
  if (experts === undefined) return matmul(scaledColumns(recording.use(b), singular), a, { label });
  return matmul(recording.use(byExpert(b, experts)), byExpert(a, experts), { label });
}

/** The matrices of experts that stand below each other in one. */
function byExpert(tensor: Tensor, experts: number): Tensor {
  const { label, dtype, buffer, offset } = tensor;
  const shape = [experts, tensor.size(0) / experts, tensor.size(-1)];
  return new Tensor({ label, shape, dtype, ...(buffer && { buffer }), offset });
}

function scaledColumns(b: Tensor, singular: Tensor | undefined): Tensor {
  return singular === undefined ? b : columnScale(b, singular);
}

/** The rows of a tensor that belong to a layer. */
function rowsOf({ name, tensor, first, out, input }: AdaptedLayer): Tensor {
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
