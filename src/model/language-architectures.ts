// Language models and encoder–decoders beside those of architectures.ts; they come with the first of them.

import type { EncoderDecoderDefinition, SequenceDefinition } from './definitions.ts';
import {
  type Declare,
  decoder,
  encoderDecoder,
  type Families,
  type Family,
  withEncoderAlone,
} from './family.ts';

const generation = 'ForConditionalGeneration';

/** T5 and its kin, of which the encoder alone is a model, too. */
function t5Kin(
  prefix: string,
  whole: () => Promise<Declare<EncoderDecoderDefinition>>,
  encoderAlone: () => Promise<Declare<SequenceDefinition>>,
): Family {
  const classes = ['EncoderModel', generation, 'Model'];
  const family = encoderDecoder(prefix, whole, classes, {
    'decoder.final_layer_norm.weight': generation,
  });
  return withEncoderAlone(family, encoderAlone, 'EncoderModel');
}

/** T5Gemma, of which the encoder alone is a model, too. */
function t5GemmaFamily(): Family {
  const family = encoderDecoder(
    'T5Gemma',
    async () => (await import('./families/pairs/t5gemma.ts')).t5Gemma,
    ['EncoderModel', generation, 'Model'],
    { 'model.decoder.norm.weight': generation, 'decoder.norm.weight': 'Model' },
  );
  const alone = async () => (await import('./families/pairs/t5gemma.ts')).t5GemmaEncoder;
  return withEncoderAlone(family, alone, 'EncoderModel');
}

/** By `model_type` of config.json. */
export const languageFamilies: Families = {
  bart: encoderDecoder(
    'Bart',
    async () => (await import('./families/pairs/bart.ts')).bart,
    [generation, 'ForSequenceClassification', 'Model'],
    { 'classification_head.dense.weight': 'ForSequenceClassification' },
  ),
  bloom: decoder('Bloom', async () => (await import('./families/decoders/bloom.ts')).bloom, {
    tied: true,
  }),
  cohere2: decoder(
    'Cohere2',
    async () => (await import('./families/decoders/cohere2.ts')).cohere2,
    {
      tied: true,
    },
  ),
  gemma2: decoder('Gemma2', async () => (await import('./families/decoders/gemma.ts')).gemma2, {
    tied: true,
  }),
  gemma3_text: decoder(
    'Gemma3',
    async () => (await import('./families/decoders/gemma.ts')).gemma3,
    {
      tied: true,
    },
  ),
  gemma3n_text: decoder(
    'Gemma3n',
    async () => (await import('./families/decoders/gemma3n.ts')).gemma3n,
    { tied: true },
  ),
  gemma4_text: decoder(
    'Gemma4',
    async () => (await import('./families/decoders/gemma4.ts')).gemma4,
    { tied: true },
  ),
  gemma4_unified_text: decoder(
    'Gemma4Unified',
    async () => (await import('./families/decoders/gemma4.ts')).gemma4Unified,
    { tied: true },
  ),
  gpt_neox: decoder(
    'GPTNeoX',
    async () => (await import('./families/decoders/gpt-neox.ts')).gptNeoX,
  ),
  gpt_oss: decoder('GptOss', async () => (await import('./families/decoders/gpt-oss.ts')).gptOss),
  granite: decoder('Granite', async () => (await import('./families/decoders/granite.ts')).granite),
  lfm2: decoder('Lfm2', async () => (await import('./families/decoders/lfm2.ts')).lfm2, {
    tied: true,
  }),
  lfm2_moe: decoder(
    'Lfm2Moe',
    async () => (await import('./families/decoders/lfm2-moe.ts')).lfm2Moe,
    {
      tied: true,
    },
  ),
  lfm3: decoder('Lfm3', async () => (await import('./families/decoders/lfm3.ts')).lfm3, {
    tied: true,
  }),
  m2m_100: encoderDecoder(
    'M2M100',
    async () => (await import('./families/pairs/m2m100.ts')).m2m100,
    [generation, 'Model'],
  ),
  mbart: encoderDecoder(
    'MBart',
    async () => (await import('./families/pairs/mbart.ts')).mbart,
    [generation, 'ForSequenceClassification', 'Model'],
    { 'classification_head.dense.weight': 'ForSequenceClassification' },
  ),
  ministral3: decoder(
    'Ministral3',
    async () => (await import('./families/decoders/ministral3.ts')).ministral3,
  ),
  mistral: decoder('Mistral', async () => (await import('./families/decoders/mistral.ts')).mistral),
  mt5: t5Kin(
    'MT5',
    async () => (await import('./families/pairs/mt5.ts')).mt5,
    async () => (await import('./families/pairs/mt5.ts')).mt5Encoder,
  ),
  olmo2: decoder('Olmo2', async () => (await import('./families/decoders/olmo.ts')).olmo2),
  olmo3: decoder('Olmo3', async () => (await import('./families/decoders/olmo.ts')).olmo3),
  opt: decoder('OPT', async () => (await import('./families/decoders/opt.ts')).opt, { tied: true }),
  pegasus: encoderDecoder(
    'Pegasus',
    async () => (await import('./families/pairs/pegasus.ts')).pegasus,
    [generation, 'Model'],
  ),
  phi3: decoder('Phi3', async () => (await import('./families/decoders/phi3.ts')).phi3),
  qwen3_5_text: decoder(
    'Qwen3_5',
    async () => (await import('./families/decoders/qwen3-5.ts')).qwen35,
  ),
  qwen3_moe: decoder(
    'Qwen3Moe',
    async () => (await import('./families/decoders/qwen3-moe.ts')).qwen3Moe,
  ),
  smollm3: decoder(
    'SmolLM3',
    async () => (await import('./families/decoders/smollm3.ts')).smollm3,
    {
      tied: true,
    },
  ),
  stablelm: decoder(
    'StableLm',
    async () => (await import('./families/decoders/stablelm.ts')).stableLm,
  ),
  t5: t5Kin(
    'T5',
    async () => (await import('./families/pairs/t5.ts')).t5,
    async () => (await import('./families/pairs/t5.ts')).t5Encoder,
  ),
  t5gemma: t5GemmaFamily(),
  umt5: t5Kin(
    'UMT5',
    async () => (await import('./families/pairs/mt5.ts')).umt5,
    async () => (await import('./families/pairs/mt5.ts')).umt5Encoder,
  ),
};
