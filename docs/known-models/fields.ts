// What tables of known models are typed in with.

export type Fields = Readonly<Record<string, unknown>>;

export interface KnownModel {
  /** On Hugging Face: what stands behind `hf:`. */
  readonly name: string;
  /** What of config.json tells the shapes of its weights. */
  readonly config: Fields;
  /** Weights that its file has besides: an output layer where a new checkpoint of this kind has none, say. */
  readonly more?: Readonly<Record<string, readonly number[]>>;
}

export const named = (...names: readonly string[]): Fields => ({
  id2label: Object.fromEntries(names.entries()),
});
export const labels = (count: number): Fields =>
  named(...Array.from({ length: count }, (_, index) => `LABEL_${index}`));
export const inference: Fields = named('contradiction', 'neutral', 'entailment');

/** The fields of a class. */
export const of = (model_type: string, architecture: string, ...fields: Fields[]): Fields =>
  Object.assign({ model_type, architectures: [architecture] }, ...fields) as Fields;

/** Of an encoder whose layers are four times as wide inside. */
export const encoderSizes = (
  size: number,
  layers: number,
  heads: number,
  vocabulary: number,
): Fields => ({
  hidden_size: size,
  intermediate_size: 4 * size,
  num_hidden_layers: layers,
  num_attention_heads: heads,
  vocab_size: vocabulary,
  max_position_embeddings: 512,
});

/** Of BART and its kin, whose layers are four times as wide inside. */
export const bartSizes = (
  size: number,
  [encoder, decoder]: readonly [number, number],
  heads: number,
  vocabulary: number,
): Fields => ({
  d_model: size,
  encoder_layers: encoder,
  decoder_layers: decoder,
  encoder_attention_heads: heads,
  decoder_attention_heads: heads,
  encoder_ffn_dim: 4 * size,
  decoder_ffn_dim: 4 * size,
  vocab_size: vocabulary,
  max_position_embeddings: 1024,
});

export const generates = 'ForConditionalGeneration';

/** Of a ViT of twelve layers. */
export const vitSizes = (size: number, heads: number, patch: number): Fields => ({
  hidden_size: size,
  intermediate_size: 4 * size,
  num_hidden_layers: 12,
  num_attention_heads: heads,
  patch_size: patch,
  image_size: 224,
  num_channels: 3,
});
export const vitBase: Fields = vitSizes(768, 12, 16);
