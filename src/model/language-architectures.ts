// Language models and encoder–decoders beside those of architectures.ts; they come with the first of them.

import { encoderDecoder, type Families, t5Kin } from './family.ts';

const generation = 'ForConditionalGeneration';

/** By `model_type` of config.json. */
export const languageFamilies: Families = {
  m2m_100: encoderDecoder('M2M100', async () => (await import('./families/m2m100.ts')).m2m100, [
    generation,
    'Model',
  ]),
  mbart: encoderDecoder(
    'MBart',
    async () => (await import('./families/mbart.ts')).mbart,
    [generation, 'ForSequenceClassification', 'Model'],
    { 'classification_head.dense.weight': 'ForSequenceClassification' },
  ),
  mt5: t5Kin(
    'MT5',
    async () => (await import('./families/mt5.ts')).mt5,
    async () => (await import('./families/mt5.ts')).mt5Encoder,
  ),
  pegasus: encoderDecoder('Pegasus', async () => (await import('./families/pegasus.ts')).pegasus, [
    generation,
    'Model',
  ]),
  umt5: t5Kin(
    'UMT5',
    async () => (await import('./families/mt5.ts')).umt5,
    async () => (await import('./families/mt5.ts')).umt5Encoder,
  ),
};
