// All architectures, for what needs their weights without waiting for their code: new checkpoints. A test
// holds that none is missing.

import type { Declare } from '../model/family.ts';
import type { Config } from '../model/config.ts';
import { albert } from '../model/families/encoders/albert.ts';
import { bart } from '../model/families/pairs/bart.ts';
import { bert } from '../model/families/encoders/bert.ts';
import { blip } from '../model/families/vision/blip.ts';
import { bloom } from '../model/families/decoders/bloom.ts';
import { clip, clipClassifier, clipText, clipVision } from '../model/families/vision/clip.ts';
import { cohere2 } from '../model/families/decoders/cohere2.ts';
import { deberta } from '../model/families/encoders/deberta.ts';
import { debertaV2 } from '../model/families/encoders/deberta-v2.ts';
import { dinov2, dinov2WithRegisters } from '../model/families/vision/dinov2.ts';
import { distilbert } from '../model/families/encoders/distilbert.ts';
import { electra } from '../model/families/encoders/electra.ts';
import { gemma2, gemma3 } from '../model/families/decoders/gemma.ts';
import { gemma3n } from '../model/families/decoders/gemma3n.ts';
import { gemma4, gemma4Unified } from '../model/families/decoders/gemma4.ts';
import { gpt2 } from '../model/families/decoders/gpt2.ts';
import { gptNeoX } from '../model/families/decoders/gpt-neox.ts';
import { gptOss } from '../model/families/decoders/gpt-oss.ts';
import { granite } from '../model/families/decoders/granite.ts';
import { headName } from '../model/heads/head-name.ts';
import { imageGpt } from '../model/families/vision/imagegpt.ts';
import { qwen35 } from '../model/families/decoders/qwen3-5.ts';
import { lfm2 } from '../model/families/decoders/lfm2.ts';
import { lfm2Moe } from '../model/families/decoders/lfm2-moe.ts';
import { lfm3 } from '../model/families/decoders/lfm3.ts';
import { llama } from '../model/families/decoders/llama.ts';
import { m2m100 } from '../model/families/pairs/m2m100.ts';
import { marian } from '../model/families/pairs/marian.ts';
import { mbart } from '../model/families/pairs/mbart.ts';
import { ministral3 } from '../model/families/decoders/ministral3.ts';
import { mistral } from '../model/families/decoders/mistral.ts';
import { modernBertDecoder } from '../model/families/encoders/modernbert-decoder.ts';
import { modernBert } from '../model/families/encoders/modernbert.ts';
import { mpnet } from '../model/families/encoders/mpnet.ts';
import { mt5, mt5Encoder, umt5, umt5Encoder } from '../model/families/pairs/mt5.ts';
import { pegasus } from '../model/families/pairs/pegasus.ts';
import { olmo2, olmo3 } from '../model/families/decoders/olmo.ts';
import { opt } from '../model/families/decoders/opt.ts';
import { phi3 } from '../model/families/decoders/phi3.ts';
import { moonshine } from '../model/families/sound/moonshine.ts';
import { qwen2, qwen3 } from '../model/families/decoders/qwen.ts';
import { qwen3Moe } from '../model/families/decoders/qwen3-moe.ts';
import { gte, jinaEmbeddingsV3, nomicBert } from '../model/families/encoders/rotary-bert.ts';
import { roberta } from '../model/families/encoders/roberta.ts';
import {
  siglip,
  siglipClassifier,
  siglipText,
  siglipVision,
} from '../model/families/vision/siglip.ts';
import { smollm3 } from '../model/families/decoders/smollm3.ts';
import { stableLm } from '../model/families/decoders/stablelm.ts';
import { t5, t5Encoder } from '../model/families/pairs/t5.ts';
import { t5Gemma, t5GemmaEncoder } from '../model/families/pairs/t5gemma.ts';
import { torchSeq2Seq } from '../model/families/pairs/torch-seq2seq.ts';
import { torchTransformer } from '../model/families/pairs/torch-transformer.ts';
import { trocr } from '../model/families/vision/trocr.ts';
import { visionEncoderDecoder } from '../model/families/vision/vision-encoder-decoder.ts';
import { deit, vit } from '../model/families/vision/vit.ts';
import { yolos } from '../model/families/vision/yolos.ts';
import { hubert, wav2vec2 } from '../model/families/sound/wav2vec2.ts';
import { whisper, whisperClassifier } from '../model/families/sound/whisper.ts';

const isClassifier = (config: Config): boolean => headName(config) === 'ImageClassification';

/** A family of which the encoder alone is a model, too. */
function withEncoder(whole: Declare<unknown>, alone: Declare<unknown>): Declare<unknown> {
  return (config, loader) => (headName(config) === 'EncoderModel' ? alone : whole)(config, loader);
}

export const declarations: Readonly<Record<string, Declare<unknown>>> = {
  albert,
  bart,
  bert,
  blip,
  camembert: roberta,
  bloom,
  cohere2,
  clip: (config, loader) => (isClassifier(config) ? clipClassifier : clip)(config, loader),
  clip_text_model: clipText,
  clip_vision_model: clipVision,
  deberta,
  'deberta-v2': debertaV2,
  deit,
  dinov2,
  dinov2_with_registers: dinov2WithRegisters,
  distilbert,
  electra,
  gemma2,
  gemma3_text: gemma3,
  gemma3n_text: gemma3n,
  gemma4_text: gemma4,
  gemma4_unified_text: gemma4Unified,
  gpt2,
  gpt_neox: gptNeoX,
  gpt_oss: gptOss,
  granite,
  imagegpt: imageGpt,
  hubert,
  lfm2,
  lfm2_moe: lfm2Moe,
  lfm3,
  llama,
  m2m_100: m2m100,
  marian,
  mbart,
  ministral3,
  mistral,
  moonshine,
  modernbert: modernBert,
  'modernbert-decoder': modernBertDecoder,
  mpnet,
  gte,
  jina_embeddings_v3: jinaEmbeddingsV3,
  nomic_bert: nomicBert,
  mt5: withEncoder(mt5, mt5Encoder),
  pegasus,
  olmo2,
  olmo3,
  opt,
  phi3,
  qwen2,
  qwen3,
  qwen3_5_text: qwen35,
  qwen3_moe: qwen3Moe,
  roberta,
  siglip: (config, loader) => (isClassifier(config) ? siglipClassifier : siglip)(config, loader),
  siglip_text_model: siglipText,
  siglip_vision_model: siglipVision,
  smollm3,
  stablelm: stableLm,
  t5: withEncoder(t5, t5Encoder),
  t5gemma: withEncoder(t5Gemma, t5GemmaEncoder),
  trocr,
  umt5: withEncoder(umt5, umt5Encoder),
  vit,
  wav2vec2,
  whisper: (config, loader) =>
    (headName(config) === 'AudioClassification' ? whisperClassifier : whisper)(config, loader),
  'vision-encoder-decoder': visionEncoderDecoder,
  'xlm-roberta': roberta,
  yolos,
  'seq2seq training run': torchSeq2Seq,
  'torch.nn.Transformer': torchTransformer,
};

/**
 * Families that compute, but do not train yet: none at present. A test holds that these and no others refuse to.
 */
export const untrained: ReadonlySet<string> = new Set<string>();

/** Families that have no loss, here and in Python: what gives vectors alone, and PyTorch's stacks without logits. */
export const withoutLoss: ReadonlySet<string> = new Set([
  'clip_text_model',
  'clip_vision_model',
  'siglip_text_model',
  'siglip_vision_model',
  'torch.nn.Transformer',
]);
