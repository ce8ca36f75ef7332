// The encoders of texts besides BERT, by the name that config.json gives them.

import { encoder, type Families } from './family.ts';

/** The families by `model_type` of config.json. */
export const encoderFamilies: Families = {
  albert: encoder('Albert', async () => (await import('./families/albert.ts')).albert),
  camembert: encoder('Camembert', async () => (await import('./families/roberta.ts')).roberta),
  distilbert: encoder(
    'DistilBert',
    async () => (await import('./families/distilbert.ts')).distilbert,
  ),
  electra: encoder('Electra', async () => (await import('./families/electra.ts')).electra, [
    'ForPreTraining',
    'Model',
  ]),
  mpnet: encoder('MPNet', async () => (await import('./families/mpnet.ts')).mpnet),
  roberta: encoder('Roberta', async () => (await import('./families/roberta.ts')).roberta),
  'xlm-roberta': encoder('XLMRoberta', async () => (await import('./families/roberta.ts')).roberta),
};
