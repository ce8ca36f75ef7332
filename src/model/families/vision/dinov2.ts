// DINOv2 (Oquab et al., 2023, arXiv 2304.07193): ViT with factors of what its sub-layers add (LayerScale),
// images of any size, and in its largest model SwiGLU. "Vision Transformers Need Registers" (Darcet et al.,
// 2023, arXiv 2309.16588) adds tokens behind the first, which have no positions.

import type { Config } from '../../config.ts';
import type { SequenceDefinition } from '../../definitions.ts';
import { meanClassifier } from '../../heads/image-head.ts';
import { baseRoot, headName } from '../../heads/head-name.ts';
import { TokenPooler } from '../../heads/pooler.ts';
import type { FeedForwardWeights } from '../../layers/feed-forward.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import { imageEmbeddings, visionEncoder, visionSizes } from './vision-encoder.ts';

/** Declares the weights of a `Dinov2…` checkpoint. */
export function dinov2(config: Config, loader: WeightLoader): SequenceDefinition {
  return dinov2Model(config, loader, 'dinov2.', 0);
}

/** Declares the weights of a `Dinov2WithRegisters…` checkpoint. */
export function dinov2WithRegisters(config: Config, loader: WeightLoader): SequenceDefinition {
  const registers = config.integer('num_register_tokens', 4, 0);
  return dinov2Model(config, loader, 'dinov2_with_registers.', registers);
}

function dinov2Model(
  config: Config,
  loader: WeightLoader,
  family: string,
  registers: number,
): SequenceDefinition {
  const head = headName(config);
  if (head !== 'Model' && head !== 'ImageClassification') config.refuse('architectures');
  const root = baseRoot(config, loader, family, 'embeddings.cls_token');
  const sizes = visionSizes(config, 1e-6);
  return {
    ...visionEncoder(config, loader, sizes, {
      root,
      norms: ['norm1', 'norm2'],
      dropPath: config.rate('drop_path_rate', 0),
      scales: ['layer_scale1.lambda1', 'layer_scale2.lambda1'],
      feedForward: (prefix) => feedForward(config, loader, `${prefix}.mlp`, sizes.size),
      images: imageEmbeddings(config, loader, {
        root: `${root}embeddings.`,
        tokens: [
          ['cls_token', 1],
          ...(registers > 0 ? ([['register_tokens', registers]] as const) : []),
        ],
        placed: 1,
        anySize: true,
        filters: family === 'dinov2_with_registers.',
      }),
    }),
    // The first token, as it is.
    pooler: head === 'Model' ? new TokenPooler() : undefined,
    head:
      head === 'Model'
        ? undefined
        : meanClassifier({ config, loader, size: sizes.size }, 1 + registers),
  };
}

function feedForward(
  config: Config,
  loader: WeightLoader,
  prefix: string,
  size: number,
): FeedForwardWeights {
  const width = Math.trunc(size * config.positive('mlp_ratio', 4));
  const activation = config.activation('hidden_act', 'gelu');
  if (!config.boolean('use_swiglu_ffn', false)) {
    return {
      kind: 'plain',
      inner: loader.linear(`${prefix}.fc1`, width, size),
      outer: loader.linear(`${prefix}.fc2`, size, width),
      activation,
    };
  }
  // Two thirds, so that three matrices have as many weights as two; in eights.
  const inner = Math.ceil(Math.trunc((width * 2) / 3) / 8) * 8;
  return {
    kind: 'gated',
    inner: loader.linear(`${prefix}.weights_in`, 2 * inner, size),
    outer: loader.linear(`${prefix}.weights_out`, size, inner),
    activation: 'silu',
  };
}
