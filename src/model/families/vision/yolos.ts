// YOLOS, "You Only Look at One Sequence" (Fang et al., 2021, arXiv 2106.00666): ViT with tokens behind the patches that
// look for an object each, §3.1. Images have any size, to which all positions are stretched; larger models add
// positions behind each layer, too.

import type { Config } from '../../config.ts';
import type { SequenceDefinition } from '../../definitions.ts';
import { detectionHead } from '../../heads/detection-head.ts';
import { baseRoot, headName } from '../../heads/head-name.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import { imageEmbeddings, visionSizes } from './vision-encoder.ts';
import { vitEncoder, vitPooler } from './vit.ts';

/** Declares the weights of a `Yolos…` checkpoint. */
export function yolos(config: Config, loader: WeightLoader): SequenceDefinition {
  const head = headName(config);
  if (head !== 'Model' && head !== 'ObjectDetection') config.refuse('architectures');
  const root = baseRoot(config, loader, 'vit.', 'embeddings.cls_token');
  const sizes = visionSizes(config, 1e-12);
  const tokens = config.integer('num_detection_tokens', 100);
  const between = config.layers('num_hidden_layers') - 1;
  const images = imageEmbeddings(config, loader, {
    root: `${root}embeddings.`,
    tokens: [
      ['cls_token', 1],
      ['detection_tokens', tokens],
    ],
    placed: 1,
    behind: tokens,
    ...(config.boolean('use_mid_position_embeddings', true) && {
      between: [`${root}encoder.mid_position_embeddings`, between],
    }),
    anySize: true,
    usual: [512, 864],
  });
  return {
    ...vitEncoder(config, loader, { root, sizes, images }),
    ...(head === 'Model'
      ? { pooler: vitPooler(config, loader, { root, sizes }) }
      : { head: detectionHead({ config, loader, size: sizes.size }, tokens) }),
  };
}
