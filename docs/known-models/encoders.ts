// Encoders of texts that people know: typed in by hand on 2026-11-29.

import {
  bartSizes,
  encoderSizes,
  type Fields,
  inference,
  type KnownModel,
  labels,
  of,
} from './fields.ts';

const behindPadding: Fields = { max_position_embeddings: 514, type_vocab_size: 1, pad_token_id: 1 };
const bertBase = encoderSizes(768, 12, 12, 30522);
const bertLarge = encoderSizes(1024, 24, 16, 30522);
const miniLm = (layers: number): Fields => encoderSizes(384, layers, 12, 30522);
const robertaBase = { ...encoderSizes(768, 12, 12, 50265), ...behindPadding };
const xlmRobertaBase = { ...encoderSizes(768, 12, 12, 250002), ...behindPadding };
const bgeM3: Fields = {
  ...encoderSizes(1024, 24, 16, 250002),
  ...behindPadding,
  max_position_embeddings: 8194,
};
const cased: Fields = { vocab_size: 28996 };
const distil: Fields = {
  dim: 768,
  hidden_dim: 3072,
  n_layers: 6,
  n_heads: 12,
  vocab_size: 30522,
  max_position_embeddings: 512,
};

const bertEmbedder = (name: string, sizes: Fields): KnownModel => ({
  name,
  config: of('bert', 'BertModel', sizes),
});

const deberta = (size: number, layers: number, heads: number): Fields => ({
  ...encoderSizes(size, layers, heads, 128100),
  position_buckets: 256,
  norm_rel_ebd: 'layer_norm',
  share_att_key: true,
  pos_att_type: 'p2c|c2p',
  relative_attention: true,
  position_biased_input: false,
  type_vocab_size: 0,
  layer_norm_eps: 1e-7,
});

/** By task. */
export const encoders: Readonly<Record<string, readonly KnownModel[]>> = {
  'text-classification': [
    {
      name: 'distilbert/distilbert-base-uncased-finetuned-sst-2-english',
      config: of('distilbert', 'DistilBertForSequenceClassification', distil, labels(2)),
    },
    {
      name: 'cardiffnlp/twitter-roberta-base-sentiment-latest',
      config: of('roberta', 'RobertaForSequenceClassification', robertaBase, labels(3)),
    },
    {
      name: 'SamLowe/roberta-base-go_emotions',
      config: of('roberta', 'RobertaForSequenceClassification', robertaBase, labels(28)),
    },
    {
      name: 'ProsusAI/finbert',
      config: of('bert', 'BertForSequenceClassification', bertBase, labels(3)),
    },
    {
      name: 'nlptown/bert-base-multilingual-uncased-sentiment',
      config: of('bert', 'BertForSequenceClassification', bertBase, labels(5), {
        vocab_size: 105879,
      }),
    },
    {
      name: 'papluca/xlm-roberta-base-language-detection',
      config: of('xlm-roberta', 'XLMRobertaForSequenceClassification', xlmRobertaBase, labels(20)),
    },
  ],
  'token-classification': [
    {
      name: 'dslim/bert-base-NER',
      config: of('bert', 'BertForTokenClassification', bertBase, cased, labels(9)),
    },
    {
      name: 'dbmdz/bert-large-cased-finetuned-conll03-english',
      config: of('bert', 'BertForTokenClassification', bertLarge, cased, labels(9)),
    },
    {
      name: 'dslim/distilbert-NER',
      config: of('distilbert', 'DistilBertForTokenClassification', distil, cased, labels(9)),
    },
    {
      name: 'elastic/distilbert-base-uncased-finetuned-conll03-english',
      config: of('distilbert', 'DistilBertForTokenClassification', distil, labels(9)),
    },
    {
      name: 'Davlan/bert-base-multilingual-cased-ner-hrl',
      config: of('bert', 'BertForTokenClassification', bertBase, labels(9), { vocab_size: 119547 }),
    },
    {
      name: 'Davlan/xlm-roberta-base-ner-hrl',
      config: of('xlm-roberta', 'XLMRobertaForTokenClassification', xlmRobertaBase, labels(9)),
    },
  ],
  'question-answering': [
    {
      name: 'distilbert/distilbert-base-cased-distilled-squad',
      config: of('distilbert', 'DistilBertForQuestionAnswering', distil, cased),
    },
    {
      name: 'deepset/minilm-uncased-squad2',
      config: of('bert', 'BertForQuestionAnswering', miniLm(12)),
    },
    {
      name: 'deepset/tinyroberta-squad2',
      config: of('roberta', 'RobertaForQuestionAnswering', robertaBase, { num_hidden_layers: 6 }),
    },
    {
      name: 'deepset/roberta-base-squad2',
      config: of('roberta', 'RobertaForQuestionAnswering', robertaBase),
    },
    {
      name: 'deepset/xlm-roberta-base-squad2',
      config: of('xlm-roberta', 'XLMRobertaForQuestionAnswering', xlmRobertaBase),
    },
    {
      name: 'google-bert/bert-large-uncased-whole-word-masking-finetuned-squad',
      config: of('bert', 'BertForQuestionAnswering', bertLarge),
    },
  ],
  'fill-mask': [
    { name: 'google-bert/bert-base-uncased', config: of('bert', 'BertForMaskedLM', bertBase) },
    {
      name: 'distilbert/distilbert-base-uncased',
      config: of('distilbert', 'DistilBertForMaskedLM', distil),
    },
    { name: 'FacebookAI/roberta-base', config: of('roberta', 'RobertaForMaskedLM', robertaBase) },
    {
      name: 'FacebookAI/xlm-roberta-base',
      config: of('xlm-roberta', 'XLMRobertaForMaskedLM', xlmRobertaBase),
    },
    {
      name: 'albert/albert-base-v2',
      config: of('albert', 'AlbertForMaskedLM', encoderSizes(768, 12, 12, 30000), {
        embedding_size: 128,
      }),
    },
    {
      name: 'answerdotai/ModernBERT-base',
      config: of('modernbert', 'ModernBertForMaskedLM', {
        ...encoderSizes(768, 22, 12, 50368),
        intermediate_size: 1152,
        max_position_embeddings: 8192,
      }),
    },
    {
      name: 'almanach/camembert-base',
      config: of('camembert', 'CamembertForMaskedLM', robertaBase, { vocab_size: 32005 }),
    },
  ],
  embeddings: [
    bertEmbedder('sentence-transformers/all-MiniLM-L6-v2', miniLm(6)),
    {
      name: 'sentence-transformers/all-mpnet-base-v2',
      config: of('mpnet', 'MPNetModel', robertaBase, { vocab_size: 30527 }),
    },
    bertEmbedder('BAAI/bge-small-en-v1.5', miniLm(12)),
    bertEmbedder('BAAI/bge-base-en-v1.5', bertBase),
    bertEmbedder('intfloat/e5-small-v2', miniLm(12)),
    bertEmbedder('intfloat/multilingual-e5-small', encoderSizes(384, 12, 12, 250037)),
    bertEmbedder('mixedbread-ai/mxbai-embed-large-v1', bertLarge),
    {
      name: 'google/embeddinggemma-300m',
      config: of('gemma3_text', 'Gemma3TextModel', {
        hidden_size: 768,
        intermediate_size: 1152,
        num_hidden_layers: 24,
        num_attention_heads: 3,
        num_key_value_heads: 1,
        head_dim: 256,
        query_pre_attn_scalar: 256,
        sliding_window: 512,
        use_bidirectional_attention: true,
        vocab_size: 262144,
        max_position_embeddings: 2048,
      }),
    },
    {
      name: 'Qwen/Qwen3-Embedding-0.6B',
      config: of('qwen3', 'Qwen3ForCausalLM', {
        hidden_size: 1024,
        intermediate_size: 3072,
        num_hidden_layers: 28,
        num_attention_heads: 16,
        num_key_value_heads: 8,
        head_dim: 128,
        vocab_size: 151669,
        max_position_embeddings: 32768,
        tie_word_embeddings: true,
      }),
    },
    { name: 'BAAI/bge-m3', config: of('xlm-roberta', 'XLMRobertaModel', bgeM3) },
  ],
  'text-ranking': [
    {
      name: 'cross-encoder/ms-marco-TinyBERT-L2-v2',
      config: of(
        'bert',
        'BertForSequenceClassification',
        encoderSizes(128, 2, 2, 30522),
        labels(1),
      ),
    },
    ...[4, 6, 12].map((layers) => ({
      name: `cross-encoder/ms-marco-MiniLM-L${layers}-v2`,
      config: of('bert', 'BertForSequenceClassification', miniLm(layers), labels(1)),
    })),
    {
      name: 'BAAI/bge-reranker-base',
      config: of('xlm-roberta', 'XLMRobertaForSequenceClassification', xlmRobertaBase, labels(1)),
    },
    {
      name: 'BAAI/bge-reranker-v2-m3',
      config: of('xlm-roberta', 'XLMRobertaForSequenceClassification', bgeM3, labels(1)),
    },
  ],
  'zero-shot-classification': [
    {
      name: 'typeform/distilbert-base-uncased-mnli',
      config: of('distilbert', 'DistilBertForSequenceClassification', distil, inference),
    },
    {
      name: 'cross-encoder/nli-deberta-v3-xsmall',
      config: of(
        'deberta-v2',
        'DebertaV2ForSequenceClassification',
        deberta(384, 12, 6),
        inference,
      ),
    },
    {
      name: 'MoritzLaurer/DeBERTa-v3-base-mnli-fever-anli',
      config: of(
        'deberta-v2',
        'DebertaV2ForSequenceClassification',
        deberta(768, 12, 12),
        inference,
      ),
    },
    {
      name: 'cross-encoder/nli-distilroberta-base',
      config: of('roberta', 'RobertaForSequenceClassification', robertaBase, inference, {
        num_hidden_layers: 6,
      }),
    },
    {
      name: 'FacebookAI/roberta-large-mnli',
      config: of(
        'roberta',
        'RobertaForSequenceClassification',
        { ...encoderSizes(1024, 24, 16, 50265), ...behindPadding },
        inference,
      ),
    },
    {
      name: 'joeddav/xlm-roberta-large-xnli',
      config: of(
        'xlm-roberta',
        'XLMRobertaForSequenceClassification',
        { ...encoderSizes(1024, 24, 16, 250002), ...behindPadding },
        inference,
      ),
    },
    {
      name: 'valhalla/distilbart-mnli-12-1',
      config: of(
        'bart',
        'BartForSequenceClassification',
        bartSizes(1024, [12, 1], 16, 50265),
        inference,
      ),
    },
    {
      name: 'facebook/bart-large-mnli',
      config: of(
        'bart',
        'BartForSequenceClassification',
        bartSizes(1024, [12, 12], 16, 50265),
        inference,
      ),
    },
  ],
};
