// Makes the folder of a run whole again when a save was cut off, by a full disk say: what is missing is
// written anew from the state of the run, which is enough for it.

import { TransformerError } from '../runtime/errors.ts';
import { parseJson } from '../source/json.ts';
import { openSource } from '../source/open-source.ts';
import { openSafetensorsFile } from '../source/safetensors.ts';
import { readFile, type Source } from '../source/source.ts';
import { openTarget, type Target } from '../source/target.ts';
import { readState } from './checkpoint.ts';
import { filesOf, writeFiles } from './model-files.ts';

/**
 * Writes those files of a run's model that are missing or broken: config.json, generation_config.json and
 * model.safetensors, as its training_state.safetensors has them. Runs that train an adapter need none:
 * they go on from the base model and the state. Result: the names of the files that were written.
 * @throws TransformerError FILE_*, where the state itself is missing or broken
 */
export async function completeRun(folder: string | URL | (Source & Target)): Promise<string[]> {
  const source = openSource(folder);
  const { run, group } = await readState(source);
  if (run.model === undefined) return [];
  const values = new Map([...group('parameters'), ...group('constants')]);
  const missing = [];
  for (const file of filesOf(run.model, values, 'f32')) {
    if (!(await isWhole(source, file.name))) missing.push(file);
  }
  await writeFiles(openTarget(folder), missing);
  return missing.map(({ name }) => name);
}

async function isWhole(source: Source, name: string): Promise<boolean> {
  try {
    if (name.endsWith('.safetensors')) {
      await openSafetensorsFile(source, name);
      return true;
    }
    const bytes = await readFile(source, name);
    if (bytes === undefined) return false;
    parseJson(new TextDecoder().decode(bytes), name);
    return true;
  } catch (error) {
    const broken = ['FILE_NOT_FOUND', 'FILE_INVALID', 'FILE_TRUNCATED'];
    if (error instanceof TransformerError && broken.includes(error.code)) return false;
    throw error;
  }
}
