// What architectures differ by from one checkpoint to the next (windows, biases, norms, positions, ties,
// heads, unlike sizes, storage) against Hugging Face's implementation, on both tiers.
import { testCheckpoints } from '../support/checkpoint-cases.ts';

const cases = [
  'bart_uneven',
  'bert_multilabel',
  'bert_pretraining',
  'bert_regression',
  'deit',
  'dinov2',
  'dinov2_registers',
  'distilbert_mlm',
  'distilbert_qa',
  'gemma2',
  'gemma3_text',
  'gpt2_f16',
  'gpt2_model',
  'gpt2_seqcls',
  'llama_bias',
  'llama_dynamic',
  'llama_seqcls',
  'llama_yarn',
  'marian_two_vocabularies',
  'mistral_window',
  'qwen2_bf16',
  'qwen2_window',
  'qwen3',
  'roberta_mlm_untied',
  'roberta_tokcls',
  't5_deep',
  't5_encoder',
  't5_untied',
  'vit_model',
  'xlm_roberta_qa',
];

await testCheckpoints(cases.map((name) => `variants/${name}`));
