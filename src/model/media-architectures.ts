// The architectures that see or hear, by the name that config.json gives them.

import { decoder, encoderDecoder, generating, type Families, withEncoderAlone } from './family.ts';
import { dualEncoder, imageClassifier, oneStack, vision } from './media-family.ts';

const generation = 'ForConditionalGeneration';
const projected = 'ModelWithProjection';
/** The heads of encoders of samples, by the tensors that show them. */
const speech = {
  'lm_head.weight': 'ForCTC',
  'classifier.weight': 'ForSequenceClassification',
};

/** The families by `model_type` of config.json. */
export const mediaFamilies: Families = {
  blip: encoderDecoder(
    'Blip',
    async () => (await import('./families/vision/blip.ts')).blip,
    [generation],
    {},
    ['image'],
  ),
  clip: withEncoderAlone(
    dualEncoder(
      'CLIP',
      async () => (await import('./families/vision/clip.ts')).clip,
      imageClassifier,
    ),
    async () => (await import('./families/vision/clip.ts')).clipClassifier,
    'ImageClassification',
  ),
  clip_text_model: oneStack(
    'CLIPText',
    'text',
    async () => (await import('./families/vision/clip.ts')).clipText,
    { 'text_projection.weight': projected },
  ),
  clip_vision_model: oneStack(
    'CLIPVision',
    'image',
    async () => (await import('./families/vision/clip.ts')).clipVision,
    { 'visual_projection.weight': projected },
  ),
  deit: vision('DeiT', async () => (await import('./families/vision/vit.ts')).deit, {
    'distillation_classifier.weight': 'ForImageClassificationWithTeacher',
  }),
  dinov2: vision('Dinov2', async () => (await import('./families/vision/dinov2.ts')).dinov2),
  dinov2_with_registers: vision(
    'Dinov2WithRegisters',
    async () => (await import('./families/vision/dinov2.ts')).dinov2WithRegisters,
  ),
  hubert: oneStack(
    'Hubert',
    'sound',
    async () => (await import('./families/sound/wav2vec2.ts')).hubert,
    speech,
  ),
  imagegpt: {
    open: async () =>
      generating(async () => (await import('./families/vision/imagegpt.ts')).imageGpt),
    takes: ['colours'],
    classes: {
      prefix: 'ImageGPT',
      ends: ['ForCausalImageModeling', 'ForImageClassification', 'Model'],
      shown: {
        kind: 'tensors',
        of: {
          'score.weight': 'ForImageClassification',
          'lm_head.weight': 'ForCausalImageModeling',
        },
        else: 'Model',
      },
    },
  },
  moonshine: encoderDecoder(
    'Moonshine',
    async () => (await import('./families/sound/moonshine.ts')).moonshine,
    [generation, 'Model'],
    {},
    ['sound'],
  ),
  siglip: withEncoderAlone(
    dualEncoder(
      'Siglip',
      async () => (await import('./families/vision/siglip.ts')).siglip,
      imageClassifier,
    ),
    async () => (await import('./families/vision/siglip.ts')).siglipClassifier,
    'ImageClassification',
  ),
  siglip_text_model: oneStack(
    'SiglipText',
    'text',
    async () => (await import('./families/vision/siglip.ts')).siglipText,
  ),
  siglip_vision_model: oneStack(
    'SiglipVision',
    'image',
    async () => (await import('./families/vision/siglip.ts')).siglipVision,
  ),
  trocr: decoder('TrOCR', async () => (await import('./families/vision/trocr.ts')).trocr, {
    tied: true,
  }),
  'vision-encoder-decoder': encoderDecoder(
    'VisionEncoderDecoder',
    async () => (await import('./families/vision/vision-encoder-decoder.ts')).visionEncoderDecoder,
    ['Model'],
    {},
    ['image'],
  ),
  vit: vision('ViT', async () => (await import('./families/vision/vit.ts')).vit),
  wav2vec2: oneStack(
    'Wav2Vec2',
    'sound',
    async () => (await import('./families/sound/wav2vec2.ts')).wav2vec2,
    speech,
  ),
  whisper: withEncoderAlone(
    encoderDecoder(
      'Whisper',
      async () => (await import('./families/sound/whisper.ts')).whisper,
      [generation, 'ForAudioClassification', 'Model'],
      { 'classifier.weight': 'ForAudioClassification' },
      ['sound'],
    ),
    async () => (await import('./families/sound/whisper.ts')).whisperClassifier,
    'AudioClassification',
  ),
  yolos: vision('Yolos', async () => (await import('./families/vision/yolos.ts')).yolos, {
    'class_labels_classifier.layers.0.weight': 'ForObjectDetection',
  }),
};
