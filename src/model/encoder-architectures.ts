// The encoders of texts besides BERT, and decoders of their layers, by the name that config.json gives them.

import { decoder, encoder, type Families } from './family.ts';

/** The families by `model_type` of config.json. */
export const encoderFamilies: Families = {
  albert: encoder('Albert', async () => (await import('./families/albert.ts')).albert),
  camembert: encoder('Camembert', async () => (await import('./families/roberta.ts')).roberta),
  deberta: encoder('Deberta', async () => (await import('./families/deberta.ts')).deberta),
  'deberta-v2': encoder(
    'DebertaV2',
    async () => (await import('./families/deberta-v2.ts')).debertaV2,
  ),
  distilbert: encoder(
    'DistilBert',
    async () => (await import('./families/distilbert.ts')).distilbert,
  ),
  electra: encoder('Electra', async () => (await import('./families/electra.ts')).electra, [
    'ForPreTraining',
    'Model',
  ]),
  gte: encoder('Gte', async () => (await import('./families/rotary-bert.ts')).gte),
  jina_embeddings_v3: encoder(
    'JinaEmbeddingsV3',
    async () => (await import('./families/rotary-bert.ts')).jinaEmbeddingsV3,
  ),
  nomic_bert: encoder(
    'NomicBert',
    async () => (await import('./families/rotary-bert.ts')).nomicBert,
  ),
  modernbert: encoder(
    'ModernBert',
    async () => (await import('./families/modernbert.ts')).modernBert,
  ),
  'modernbert-decoder': decoder(
    'ModernBertDecoder',
    async () => (await import('./families/modernbert-decoder.ts')).modernBertDecoder,
    { tied: true },
  ),
  mpnet: encoder('MPNet', async () => (await import('./families/mpnet.ts')).mpnet),
  roberta: encoder('Roberta', async () => (await import('./families/roberta.ts')).roberta),
  'xlm-roberta': encoder('XLMRoberta', async () => (await import('./families/roberta.ts')).roberta),
};
