// ViT (Dosovitskiy et al., 2020, arXiv 2010.11929): an encoder with norms before its sub-layers over the patches of an
// image, §3.1. DeiT (Touvron et al., 2020, arXiv 2012.12877) has a second token before them, §4.

import type { Config } from '../../config.ts';
import type { SequenceDefinition } from '../../definitions.ts';
import type { Head } from '../../heads/head.ts';
import { TeacherHead, tokenClassifier } from '../../heads/image-head.ts';
import { baseRoot, headName } from '../../heads/head-name.ts';
import { type Pooler, TokenPooler } from '../../heads/pooler.ts';
import type { ImageEmbeddings } from '../../layers/image-embeddings.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import { imageEmbeddings, visionEncoder, type VisionSizes, visionSizes } from './vision-encoder.ts';

/** Declares the weights of a `ViT…` checkpoint. */
export function vit(config: Config, loader: WeightLoader): SequenceDefinition {
  return vitModel(config, loader, 'vit.', { tokens: ['cls_token'] });
}

/** Declares the weights of a `DeiT…` checkpoint. */
export function deit(config: Config, loader: WeightLoader): SequenceDefinition {
  return vitModel(config, loader, 'deit.', {
    tokens: ['cls_token', 'distillation_token'],
    hasTeacher: true,
  });
}

interface Variant {
  /** Those before the patches. */
  readonly tokens: readonly string[];
  /** Whether the second of them may have a classifier, too. */
  readonly hasTeacher?: boolean;
}

function vitModel(
  config: Config,
  loader: WeightLoader,
  family: string,
  { tokens, hasTeacher = false }: Variant,
): SequenceDefinition {
  const root = baseRoot(config, loader, family, 'embeddings.cls_token');
  const head = headName(config);
  const sizes = visionSizes(config, 1e-12);
  const { size } = sizes;
  const images = imageEmbeddings(config, loader, {
    root: `${root}embeddings.`,
    tokens: tokens.map((name) => [name, 1]),
    placed: tokens.length,
  });
  const encoder = vitEncoder(config, loader, { root, sizes, images });
  const headOf = (end: string): Head | undefined => {
    if (end === 'Model') return undefined;
    const parts = { config, loader, size };
    if (end === 'ImageClassification') return tokenClassifier(parts);
    if (hasTeacher && end === 'ImageClassificationWithTeacher') return new TeacherHead(parts);
    return config.refuse('architectures');
  };
  const showsPooler =
    head === 'Model' && !loader.trains && loader.has(`${root}pooler.dense.weight`);
  return {
    ...encoder,
    pooler: showsPooler ? vitPooler(config, loader, { root, sizes }) : undefined,
    head: headOf(head),
  };
}

interface EncoderParts {
  readonly root: string;
  readonly sizes: VisionSizes;
}

/** The layers over what images become, by the names that ViT's weights have. */
export function vitEncoder(
  config: Config,
  loader: WeightLoader,
  { root, sizes, images }: EncoderParts & { readonly images: ImageEmbeddings },
): SequenceDefinition {
  const { size } = sizes;
  const width = config.integer('intermediate_size');
  const activation = config.activation('hidden_act', 'gelu');
  return visionEncoder(config, loader, sizes, {
    root,
    norms: ['layernorm_before', 'layernorm_after'],
    feedForward: (prefix) => ({
      kind: 'plain',
      inner: loader.linear(`${prefix}.intermediate.dense`, width, size),
      outer: loader.linear(`${prefix}.output.dense`, size, width),
      activation,
    }),
    images,
  });
}

/** A layer over the first token. */
export function vitPooler(
  config: Config,
  loader: WeightLoader,
  { root, sizes: { size } }: EncoderParts,
): Pooler {
  const linear = loader.linear(
    `${root}pooler.dense`,
    config.integer('pooler_output_size', size),
    size,
  );
  return new TokenPooler({
    layers: [{ linear, activation: config.activation('pooler_act', 'tanh') }],
  });
}
