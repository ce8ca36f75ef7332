// The encoders of texts besides BERT, and decoders of their layers, by the name that config.json gives them.

import { decoder, encoder, type Families } from './family.ts';

/** The families by `model_type` of config.json. */
export const encoderFamilies: Families = {
  albert: encoder('Albert', async () => (await import('./families/encoders/albert.ts')).albert),
  camembert: encoder(
    'Camembert',
    async () => (await import('./families/encoders/roberta.ts')).roberta,
  ),
  deberta: encoder('Deberta', async () => (await import('./families/encoders/deberta.ts')).deberta),
  'deberta-v2': encoder(
    'DebertaV2',
    async () => (await import('./families/encoders/deberta-v2.ts')).debertaV2,
  ),
  distilbert: encoder(
    'DistilBert',
    async () => (await import('./families/encoders/distilbert.ts')).distilbert,
  ),
  electra: encoder(
    'Electra',
    async () => (await import('./families/encoders/electra.ts')).electra,
    ['ForPreTraining', 'Model'],
  ),
  gte: encoder('Gte', async () => (await import('./families/encoders/rotary-bert.ts')).gte),
  jina_embeddings_v3: encoder(
    'JinaEmbeddingsV3',
    async () => (await import('./families/encoders/rotary-bert.ts')).jinaEmbeddingsV3,
  ),
  nomic_bert: encoder(
    'NomicBert',
    async () => (await import('./families/encoders/rotary-bert.ts')).nomicBert,
  ),
  modernbert: encoder(
    'ModernBert',
    async () => (await import('./families/encoders/modernbert.ts')).modernBert,
  ),
  'modernbert-decoder': decoder(
    'ModernBertDecoder',
    async () => (await import('./families/encoders/modernbert-decoder.ts')).modernBertDecoder,
    { tied: true },
  ),
  mpnet: encoder('MPNet', async () => (await import('./families/encoders/mpnet.ts')).mpnet),
  roberta: encoder('Roberta', async () => (await import('./families/encoders/roberta.ts')).roberta),
  'xlm-roberta': encoder(
    'XLMRoberta',
    async () => (await import('./families/encoders/roberta.ts')).roberta,
  ),
};
