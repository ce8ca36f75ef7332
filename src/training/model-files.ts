// The files of a model in Hugging Face's layout, and in that of sentence-transformers.

import type { JsonObject } from '../source/json.ts';
import { safetensors, type StoredValues } from '../source/safetensors-writer.ts';
import type { NamedFile, Target } from '../source/target.ts';

/**
 * Writes files one after the other, and tells of each that is written.
 * @throws TransformerError FILE_UNWRITABLE
 */
export async function writeFiles(
  target: Target,
  files: readonly NamedFile[],
  onWritten?: (name: string) => void,
): Promise<void> {
  for (const { name, bytes } of files) {
    await target.write(name, bytes);
    onWritten?.(name);
  }
}

/** What a model's settings were read from; no generation_config.json where there was none. */
export interface RunConfigs {
  readonly config: JsonObject;
  /** Files of sentence-transformers by their paths, of models that were loaded with them. */
  readonly modules?: JsonObject;
  readonly generation?: JsonObject;
}

/** A file of JSON, a field a line. */
export function jsonFile(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${JSON.stringify(value, undefined, 2)}\n`);
}

/** A model's files; the weights of modules of sentence-transformers lie in their folders. */
export function filesOf(
  { config, generation, modules = {} }: RunConfigs,
  values: ReadonlyMap<string, StoredValues>,
  dtype: 'f32' | 'f16',
): NamedFile[] {
  const torchDtype = dtype === 'f16' ? 'float16' : 'float32';
  return [
    { name: 'config.json', bytes: jsonFile({ ...config, torch_dtype: torchDtype }) },
    ...(generation ? [{ name: 'generation_config.json', bytes: jsonFile(generation) }] : []),
    ...Object.entries(modules).map(([name, value]) => ({ name, bytes: jsonFile(value) })),
    ...weightFiles(values, modules).map(([name, own]) => ({
      name,
      bytes: safetensors(own, { dtype }),
    })),
  ];
}

/** The weights of the model, and those of each module that has some, by their files. */
function weightFiles(
  values: ReadonlyMap<string, StoredValues>,
  modules: JsonObject,
): [file: string, values: Map<string, StoredValues>][] {
  const places = Object.keys(modules).filter((file) => file.endsWith('/config.json'));
  const folders = places.map((file) => file.slice(0, -'config.json'.length));
  const files = new Map<string, Map<string, StoredValues>>([['model.safetensors', new Map()]]);
  for (const [name, value] of values) {
    const folder = folders.find((one) => name.startsWith(`${one.slice(0, -1)}.`)) ?? '';
    const file = `${folder}model.safetensors`;
    const own = files.get(file) ?? new Map<string, StoredValues>();
    files.set(file, own.set(folder === '' ? name : name.slice(folder.length), value));
  }
  return [...files];
}
