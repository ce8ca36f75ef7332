// "Attention Is All You Need" (Vaswani et al., 2017, arXiv 1706.03762), Figure 1, with token
// embeddings and an output layer: what Marian, BART and their kin have in common.

import type { Tensor } from '../runtime/tensor.ts';
import type { KeyValueCache } from '../shaders/attention-decode.ts';
import { dropout } from '../shaders/dropout.ts';
import { embedding } from '../shaders/embedding.ts';
import { matmul } from '../shaders/matmul.ts';
import {
  decoder,
  decoderStep,
  type DecoderWeights,
  type Memory,
  memoryKeyValues,
} from './decoder.ts';
import { encoder, type EncoderWeights, type Watch } from './encoder.ts';

export interface TransformerWeights {
  /** (V_source, d_model) */
  readonly sourceEmbedding: Tensor;
  /** (V_target, d_model) */
  readonly targetEmbedding: Tensor;
  /** √d_model in the paper. */
  readonly embeddingScale: number;
  /** Rate of dropout of embeddings with positions, in training; none when absent. */
  readonly embeddingDropout?: number;
  /** (max positions, d_model) */
  readonly positions: Tensor;
  readonly encoder: EncoderWeights;
  readonly decoder: DecoderWeights;
  /** The pre-softmax transformation, (V_target, d_model); usually the target embedding again. */
  readonly output: { readonly weight: Tensor; readonly bias: Tensor | undefined };
}

/** Token ids with the position of each and a mask (0 = padding), all (B, T). */
export interface Tokens {
  readonly ids: Tensor;
  readonly position: Tensor;
  readonly mask: Tensor;
}

/**
 * §3.4: "we use learned embeddings to convert the tokens to vectors of dimension d_model … we
 * multiply those weights by √d_model"; §3.5: positions are added; §5.4: "we apply dropout to the
 * sums". Result: (B, T, d_model).
 */
export function embed(
  { ids, position }: Pick<Tokens, 'ids' | 'position'>,
  table: Tensor,
  { embeddingScale, positions, embeddingDropout = 0 }: TransformerWeights,
): Tensor {
  const x = embedding(ids, table, {
    scale: embeddingScale,
    positions: { position, table: positions },
  });
  return dropout(x, embeddingDropout);
}

/** "The encoder maps an input sequence of symbol representations to a sequence z." §3 (B, S, d_model) */
export function encode(source: Tokens, weights: TransformerWeights, watch?: Watch): Tensor {
  return encoder(
    embed(source, weights.sourceEmbedding, weights),
    weights.encoder,
    source.mask,
    watch,
  );
}

/** Each decoder layer's keys and values of the encoder's output z. */
export function remember(z: Tensor, mask: Tensor, weights: TransformerWeights): Memory {
  return { keyValues: memoryKeyValues(z, weights.decoder), mask };
}

/** "Given z, the decoder then generates an output sequence." §3 Result: (B, T, d_model). */
export function decode(
  target: Tokens,
  memory: Memory,
  weights: TransformerWeights,
  watch?: Watch,
): Tensor {
  const x = embed(target, weights.targetEmbedding, weights);
  return decoder(x, weights.decoder, { mask: target.mask, memory, ...(watch && { watch }) });
}

/** One step of decoding: ids and position are (B, 1), caches one a layer. Result: (B, 1, d_model). */
export function decodeStep(
  target: Pick<Tokens, 'ids' | 'position'>,
  caches: readonly KeyValueCache[],
  memory: Memory,
  weights: TransformerWeights,
): Tensor {
  const x = embed(target, weights.targetEmbedding, weights);
  return decoderStep(x, weights.decoder, caches, memory);
}

/**
 * §3.4: "we share the same weight matrix between the two embedding layers and the pre-softmax linear
 * transformation". hidden: (B, T, d_model), result: (B, T, V_target).
 */
export function logits(hidden: Tensor, { output }: TransformerWeights): Tensor {
  const { weight, bias } = output;
  return matmul(hidden, weight, { transposed: true, bias, label: 'logits' });
}
