// Modules that train whole in PEFT's files: their tensors stand beside the matrices, under their own names.

import { TransformerError } from '../../runtime/errors.ts';
import type { TensorEntry } from '../../source/safetensors.ts';
import { type JsonObject, show } from '../../source/json.ts';
import type { TrainableModel } from '../../model/trainable-model.ts';
import { moduleNames, modulesAround, selectModules, wholeName } from './whole-modules.ts';

/** The names of tensors that are no matrix of an update, as the model has them. */
export function wholeTensors(keys: readonly string[]): string[] {
  const begin = wholeName('');
  return keys
    .filter((key) => key.startsWith(begin) && !key.includes('.lora_'))
    .map((key) => key.slice(begin.length));
}

/**
 * The modules that tensors of a file belong to. PEFT takes each entry of `modules_to_save` for the end of a name, and
 * passes over those that fit none.
 * @throws TransformerError CONFIG_INVALID, FILE_INVALID for tensors of other modules
 */
export function wholeModulesOf(
  json: JsonObject,
  tensors: readonly string[],
  { label, file }: { readonly label: string; readonly file: string },
): string[] {
  const ends = json['modules_to_save'] ?? [];
  if (!Array.isArray(ends) || !ends.every((end) => typeof end === 'string')) {
    throw new TransformerError(
      'CONFIG_INVALID',
      `${label} has modules_to_save ${show(ends)}, wanted a list of names. Save the adapter again.`,
    );
  }
  const modules = tensors.map((tensor) => {
    const found = modulesAround(tensor).find((name) => ends.some((end) => name.endsWith(end)));
    if (found !== undefined) return found;
    throw new TransformerError(
      'FILE_INVALID',
      `${file} holds "${wholeName(tensor)}", which is of none of modules_to_save of ${label} and no matrix of an ` +
        'update. The two files may be of two adapters; save or download both again.',
    );
  });
  return [...new Set(modules)];
}

/**
 * Expects a file to hold all of these modules, in the shapes that the model has.
 * @throws TransformerError TENSOR_MISSING, TENSOR_MISMATCH
 */
export function checkWhole(
  model: TrainableModel,
  modules: readonly string[],
  entries: ReadonlyMap<string, TensorEntry>,
  file: string,
): void {
  const names = moduleNames(model);
  const absent = modules.find((name) => !names.includes(name));
  if (absent !== undefined) {
    throw new TransformerError(
      'TENSOR_MISSING',
      `${file} has a "${absent}" of its own (modules_to_save), but the model has no module of that name. ` +
        'Load the model that the adapter was trained on.',
    );
  }
  for (const { name, shape } of selectModules(model, modules).slices) {
    const key = wholeName(name);
    const stored = entries.get(key)?.shape;
    if (stored === undefined) {
      throw new TransformerError(
        'TENSOR_MISSING',
        `${file} has no tensor "${key}", though it has others of that module. Save the adapter again.`,
      );
    }
    if (stored.join() === shape.join()) continue;
    throw new TransformerError(
      'TENSOR_MISMATCH',
      `Tensor "${key}" has shape (${stored.join(', ')}), but the model's "${name}" has ` +
        `(${shape.join(', ')}). Load the model that the adapter was trained on.`,
    );
  }
}
