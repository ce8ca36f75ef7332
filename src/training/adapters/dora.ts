// DoRA, which "decomposes the pre-trained weight into two components, magnitude and direction, for fine-tuning" (Liu et
// al. 2024, arXiv 2402.09353), as PEFT computes it.

import { TransformerError } from '../../runtime/errors.ts';
import type { Gpu } from '../../runtime/gpu.ts';
import { Plan } from '../../runtime/plan.ts';
import { Recording } from '../../runtime/record.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { linear } from '../../model/layers/linear.ts';
import type { Linear } from '../../model/weights/linear-weights.ts';
import { add } from '../../shaders/elementwise/add.ts';
import { dropout as drop, drops } from '../../shaders/elementwise/dropout.ts';
import { scale as scaled } from '../../shaders/elementwise/scale.ts';
import { lora } from '../../shaders/matmul/adapters/lora.ts';
import { rescale } from '../../shaders/matmul/adapters/rescale.ts';
import { rowEnergy } from '../../shaders/rows/row-energy.ts';
import { matmul } from '../../shaders/matmul/matmul.ts';
import type { AdaptedLayer } from './lora-matrices.ts';
import type { AdaptableLayer } from './lora-targets.ts';

/**
 * A layer whose weight is m · (W + sBA) / ‖W + sBA‖, row by row (eq. 5), in the rows of these adapted layers. The norm
 * is a constant on the way back (§4.3). Where inputs are dropped, they are of the update and of what it takes away from
 * the product, as in PEFT.
 * @throws TransformerError OPTION_INVALID beside other adapters of the layer, and where the update counts several times
 */
export function decomposed(
  layer: Linear,
  adapted: readonly AdaptedLayer[],
  { weight, dropout }: { readonly weight: number; readonly dropout: number },
): Linear {
  if (layer.update !== undefined || weight !== 1) throw together(layer);
  const { bias } = layer;
  const update = (product: Tensor, x: Tensor): Tensor =>
    adapted.reduce((y, own) => {
      if (!drops(y.recording, dropout)) return rescaledBy(own, lowRankSum(y, x, own), bias);
      const input = drop(x, dropout);
      const { bias: _bias, ...unbiased } = layer;
      const base = linear(input, { ...unbiased, bias: undefined }, { label: own.name });
      const other = rescaledBy(own, lowRankSum(base, input, own), undefined);
      return add(y, add(other, scaled(base, -1)));
    }, product);
  return { ...layer, update, rescales: true };
}

/** y + s · BAx in the layer's columns. */
function lowRankSum(y: Tensor, x: Tensor, { name, a, b, first, scale }: AdaptedLayer): Tensor {
  const inner = matmul(x, a, { transposed: true, label: `A ${name}` });
  const delta = matmul(inner, b, { transposed: true, label: `B ${name}` });
  return lora(y, delta, { left: first, scale });
}

/** The layer's columns, brought from the lengths of the rows of W + sBA to their own. */
function rescaledBy(own: AdaptedLayer, y: Tensor, bias: Tensor | undefined): Tensor {
  const { magnitude, first: left } = own;
  if (magnitude === undefined) throw new RangeError(`${own.name} has no magnitude`);
  const energy = y.recording.frozen(() => energyOf(y.recording, own));
  return rescale(y, { magnitude, energy, bias, left });
}

/** The squares of the lengths of the rows of W + sBA. */
function energyOf(
  recording: Recording,
  { name, tensor, a, b, first, scale }: AdaptedLayer,
): Tensor {
  const delta = matmul(recording.use(b), a, { label: `Δ ${name}` });
  return rowEnergy(tensor, delta, { first, scale });
}

/** The lengths of the rows of W + sBA, by the tensors that train in their place. */
export async function rowLengths(
  gpu: Gpu,
  layers: readonly AdaptedLayer[],
): Promise<Map<Tensor, Float32Array>> {
  const own = layers.flatMap((layer) =>
    layer.magnitude ? [[layer.magnitude, layer] as const] : [],
  );
  if (own.length === 0) return new Map();
  const recording = new Recording(gpu);
  try {
    const plan = await Plan.create(
      recording,
      own.map(([, layer]) => energyOf(recording, layer)),
    );
    const outputs = await plan.play();
    return new Map(
      own.map(([magnitude], i) => {
        const energy = new Float32Array(outputs[i] ?? new ArrayBuffer(0));
        return [magnitude, energy.map(Math.sqrt)];
      }),
    );
  } finally {
    recording.dispose();
  }
}

/** Refuses embeddings. @throws TransformerError OPTION_INVALID */
export function expectNoEmbedding(option: string, layers: readonly AdaptableLayer[]): void {
  const table = layers.find(({ isEmbedding }) => isEmbedding);
  if (table === undefined) return;
  throw new TransformerError(
    'OPTION_INVALID',
    `targets: "${table.name}" is an embedding, and ${option} is for linear layers. Leave one of them out.`,
  );
}

/** Refuses what has no meaning for weights that are rescaled. */
export function together({ parts }: Linear): TransformerError {
  return new TransformerError(
    'OPTION_INVALID',
    `An adapter with dora has "${parts[0]?.name ?? ''}", whose weight it replaces: no other adapter may update that layer, ` +
      'and its own update counts once. Use it alone, or merge it first.',
  );
}
