// The tensors of low-rank updates, as PEFT's files name and shape them.

import type { SizedLayer } from './lora-matrices.ts';

/** A tensor of a file. */
export interface StoredMatrix {
  readonly key: string;
  readonly shape: readonly number[];
}

type Place = Pick<SizedLayer, 'name' | 'fileName' | 'isEmbedding' | 'isAdaptive'>;

/** The name of a layer's A or B in the file, or of the singular values between them. */
export function matrixName(
  { name: module, fileName: name = module, isEmbedding, isAdaptive }: Place,
  matrix: 'A' | 'B' | 'E',
): string {
  if (isAdaptive) return `base_model.model.${name}.lora_${matrix}`;
  return isEmbedding
    ? `base_model.model.${name}.lora_embedding_${matrix}`
    : `base_model.model.${name}.lora_${matrix}.weight`;
}

/** The name of a layer's magnitudes in the file. */
export function magnitudeName(layer: string): string {
  return `base_model.model.${layer}.lora_magnitude_vector`;
}

/** The tensors of a layer's update in memory: A, B, those of one expert below those of another, of AdaLoRA the singular values and of DoRA the magnitudes. Those of an embedding are of its transpose. */
export function storedMatrices(
  layer: Place & Pick<SizedLayer, 'out' | 'input' | 'rank' | 'experts'>,
  { dora }: { readonly dora: boolean },
): StoredMatrix[] {
  const { name, isEmbedding, isAdaptive, rank, experts = 1 } = layer;
  const [out, input] = isEmbedding ? [layer.input, layer.out] : [layer.out, layer.input];
  return [
    { key: matrixName(layer, 'A'), shape: [experts * rank, input] },
    { key: matrixName(layer, 'B'), shape: [experts * out, rank] },
    ...(isAdaptive ? [{ key: matrixName(layer, 'E'), shape: [rank, 1] }] : []),
    ...(dora ? [{ key: magnitudeName(name), shape: [out] }] : []),
  ];
}

/** The module whose update a tensor belongs to; undefined for other tensors. */
export function moduleOf(
  key: string,
  { dora, isAdaptive }: { readonly dora: boolean; readonly isAdaptive: boolean },
): string | undefined {
  const usual = `[AB]\\.weight|embedding_[AB]${dora ? '|magnitude_vector' : ''}`;
  const kinds = isAdaptive ? '[ABE]' : usual;
  return new RegExp(`^base_model\\.model\\.(.+)\\.lora_(?:${kinds})$`).exec(key)?.[1];
}

/** Whether a tensor is what a module has without its update. */
export function isTableCopy(key: string): boolean {
  return /^base_model\.model\..+\.base_layer\.(?:weight|bias)$/.test(key);
}
