// Low-rank adapters from files, for the models they were trained on.

import type { Model } from '../../model/model.ts';
import { openSource } from '../../source/open-source.ts';
import type { Source } from '../../source/source.ts';
import { trainableOf } from '../check.ts';
import { readAdapter } from './lora-files.ts';
import { Lora } from './lora.ts';

/**
 * An adapter that `save` or PEFT wrote to a folder, for the model it was trained on.
 * @throws TransformerError FILE_*, CONFIG_INVALID, MODEL_UNSUPPORTED, TENSOR_MISSING, TENSOR_MISMATCH
 */
export async function loadLora(model: Model, source: string | URL | Source): Promise<Lora> {
  const files = openSource(source);
  try {
    const stored = await readAdapter(files, trainableOf('The model', model));
    const { values, kept, baseModel, taskType, adaptive, ...options } = stored;
    const adapter = new Lora(
      model,
      { ...options, ...(adaptive && { adaptive }) },
      { baseModel, taskType },
    );
    adapter.fill(values, kept);
    return adapter;
  } finally {
    files.release?.();
  }
}
