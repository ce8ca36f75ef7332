// All architectures, for what needs their weights without waiting for their code.

import type { ArchitectureName, Declare } from '../model/architectures.ts';
import { bart } from '../model/bart.ts';
import { bert } from '../model/bert.ts';
import { distilbert } from '../model/distilbert.ts';
import { gemma2, gemma3 } from '../model/gemma.ts';
import { gpt2 } from '../model/gpt2.ts';
import { headName } from '../model/head-name.ts';
import { llama } from '../model/llama.ts';
import { marian } from '../model/marian.ts';
import { mistral } from '../model/mistral.ts';
import { qwen2, qwen3 } from '../model/qwen.ts';
import { roberta } from '../model/roberta.ts';
import { t5, t5Encoder } from '../model/t5.ts';
import { torchSeq2Seq } from '../model/torch-seq2seq.ts';
import { torchTransformer } from '../model/torch-transformer.ts';

export const declarations: Readonly<Record<ArchitectureName, Declare<unknown>>> = {
  bart,
  bert,
  distilbert,
  gemma2,
  gemma3_text: gemma3,
  gpt2,
  llama,
  marian,
  mistral,
  qwen2,
  qwen3,
  roberta,
  t5: (config, loader) => (headName(config) === 'EncoderModel' ? t5Encoder : t5)(config, loader),
  'xlm-roberta': roberta,
  'seq2seq training run': torchSeq2Seq,
  'torch.nn.Transformer': torchTransformer,
};
