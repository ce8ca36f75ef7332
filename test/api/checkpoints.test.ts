// Checkpoints of every architecture against Hugging Face's implementation, on both tiers.
import { testCheckpoints } from '../support/checkpoint-cases.ts';

await testCheckpoints([
  'bart',
  'bert_base',
  'bert_base_legacy_names',
  'bert_mlm',
  'bert_qa',
  'bert_seqcls',
  'bert_seqcls_f16',
  'bert_tokcls',
  'distilbert_seqcls',
  'gpt2',
  'gpt2_legacy_names',
  'gpt2_sharded',
  'llama_bf16',
  'llama_gqa',
  'llama_rope_llama3',
  'marian',
  'qwen2',
  'roberta_base',
  'roberta_seqcls',
  't5_gated',
  't5_relu',
  'vit',
  'whisper',
]);
