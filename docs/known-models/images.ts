// Models that see and draw that people know: typed in by hand on 2026-11-29.

import {
  bartSizes,
  encoderSizes,
  type Fields,
  generates,
  type KnownModel,
  labels,
  of,
  vitBase,
  vitSizes,
} from './fields.ts';

const dinov2 = (size: number, heads: number): Fields => ({
  ...vitSizes(size, heads, 14),
  mlp_ratio: 4,
  image_size: 518,
});
const clip = (projection: number, text: Fields, vision: Fields): Fields =>
  of('clip', 'CLIPModel', {
    projection_dim: projection,
    text_config: { ...text, vocab_size: 49408, max_position_embeddings: 77 },
    vision_config: vision,
  });
const clipText = encoderSizes(512, 12, 8, 49408);
const yolos = (size: number, heads: number, image: readonly number[], mid = true): Fields =>
  of('yolos', 'YolosForObjectDetection', vitSizes(size, heads, 16), {
    image_size: image,
    num_detection_tokens: 100,
    use_mid_position_embeddings: mid,
    ...labels(91),
  });
const trocr = (encoder: Fields, decoder: Fields): Fields =>
  of('vision-encoder-decoder', 'VisionEncoderDecoderModel', { encoder, decoder });

/** By task. */
export const images: Readonly<Record<string, readonly KnownModel[]>> = {
  'image-classification': [
    {
      name: 'google/vit-base-patch16-224',
      config: of('vit', 'ViTForImageClassification', vitBase, labels(1000)),
    },
    ...(
      [
        ['tiny', 192, 3],
        ['small', 384, 6],
      ] as const
    ).map(([name, size, heads]) => ({
      name: `facebook/deit-${name}-patch16-224`,
      config: of('vit', 'ViTForImageClassification', vitSizes(size, heads, 16), labels(1000)),
    })),
    {
      name: 'facebook/deit-base-distilled-patch16-224',
      config: of('deit', 'DeiTForImageClassificationWithTeacher', vitBase, labels(1000)),
    },
    {
      name: 'facebook/dinov2-small-imagenet1k-1-layer',
      config: of('dinov2', 'Dinov2ForImageClassification', dinov2(384, 6), labels(1000)),
    },
    {
      name: 'nateraw/vit-age-classifier',
      config: of('vit', 'ViTForImageClassification', vitBase, labels(9)),
    },
    {
      name: 'Falconsai/nsfw_image_detection',
      config: of('vit', 'ViTForImageClassification', vitBase, labels(2)),
    },
  ],
  'zero-shot-image-classification': [
    ...[32, 16].map((patch) => ({
      name: `openai/clip-vit-base-patch${patch}`,
      config: clip(512, clipText, vitSizes(768, 12, patch)),
    })),
    {
      name: 'openai/clip-vit-large-patch14',
      config: clip(768, encoderSizes(768, 12, 12, 49408), {
        ...vitSizes(1024, 16, 14),
        num_hidden_layers: 24,
      }),
    },
    {
      name: 'laion/CLIP-ViT-B-32-laion2B-s34B-b79K',
      config: clip(512, clipText, vitSizes(768, 12, 32)),
    },
    ...(
      [
        [224, 64],
        [256, 64],
      ] as const
    ).map(([image, positions]) => ({
      name: `google/siglip-base-patch16-${image}`,
      config: of('siglip', 'SiglipModel', {
        text_config: {
          ...encoderSizes(768, 12, 12, 32000),
          max_position_embeddings: positions,
        },
        vision_config: { ...vitBase, image_size: image },
      }),
    })),
  ],
  'image-feature-extraction': [
    { name: 'facebook/dinov2-small', config: of('dinov2', 'Dinov2Model', dinov2(384, 6)) },
    { name: 'facebook/dinov2-base', config: of('dinov2', 'Dinov2Model', dinov2(768, 12)) },
    ...(
      [
        ['small', 384, 6],
        ['base', 768, 12],
      ] as const
    ).map(([name, size, heads]) => ({
      name: `facebook/dinov2-with-registers-${name}`,
      config: of('dinov2_with_registers', 'Dinov2WithRegistersModel', dinov2(size, heads), {
        num_register_tokens: 4,
      }),
    })),
    { name: 'google/vit-base-patch16-224-in21k', config: of('vit', 'ViTModel', vitBase) },
    ...['s', 'b'].map((letter) => ({
      name: `facebook/dino-vit${letter}16`,
      config: of('vit', 'ViTModel', letter === 's' ? vitSizes(384, 6, 16) : vitBase),
    })),
  ],
  'object-detection': [
    { name: 'hustvl/yolos-tiny', config: yolos(192, 3, [800, 1333], false) },
    { name: 'hustvl/yolos-small', config: yolos(384, 6, [512, 864]) },
    { name: 'hustvl/yolos-base', config: yolos(768, 12, [800, 1344]) },
  ],
  'image-to-text': [
    {
      name: 'Salesforce/blip-image-captioning-base',
      config: of('blip', `Blip${generates}`, {
        text_config: { ...encoderSizes(768, 12, 12, 30524), encoder_hidden_size: 768 },
        vision_config: { ...vitBase, image_size: 384 },
      }),
    },
    {
      name: 'nlpconnect/vit-gpt2-image-captioning',
      config: trocr(
        { model_type: 'vit', ...vitBase },
        {
          model_type: 'gpt2',
          add_cross_attention: true,
          n_embd: 768,
          n_layer: 12,
          n_head: 12,
          vocab_size: 50257,
          n_positions: 1024,
        },
      ),
    },
    ...['handwritten', 'printed'].map((kind) => ({
      name: `microsoft/trocr-base-${kind}`,
      config: trocr(
        { model_type: 'vit', ...vitBase, image_size: 384, qkv_bias: false },
        {
          model_type: 'trocr',
          ...bartSizes(1024, [12, 12], 16, 50265),
          cross_attention_hidden_size: 768,
          max_position_embeddings: 512,
        },
      ),
    })),
  ],
  'unconditional-image-generation': (
    [
      ['small', 512, 24, 8],
      ['medium', 1024, 36, 8],
    ] as const
  ).map(([name, size, layers, heads]) => ({
    name: `openai/imagegpt-${name}`,
    config: of('imagegpt', 'ImageGPTForCausalImageModeling', {
      n_embd: size,
      n_layer: layers,
      n_head: heads,
      vocab_size: 513,
      n_positions: 1024,
    }),
  })),
};
