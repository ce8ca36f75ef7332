// The two files of settings that a checkpoint has.

import { TransformerError } from '../runtime/errors.ts';
import { isObject, type JsonObject } from '../source/json.ts';
import { describeFile, notFound, readJson, type Source } from '../source/source.ts';

/**
 * config.json, that of the part for texts where it has one of its own. Errors: FILE_*, CONFIG_INVALID; what is there in
 * its place is told.
 */
export async function readConfig(
  files: Source,
  signal: AbortSignal | undefined,
): Promise<JsonObject> {
  const file = 'config.json';
  const value = await readJson(files, file, { signal });
  if (value !== undefined) {
    const config = object(value, files, file);
    if (config['text_config'] === undefined) return config;
    return (await import('./text-config.ts')).textConfig(config);
  }
  const { otherFormat } = await import('../source/other-formats.ts');
  throw notFound(files, [file], await otherFormat(files, signal));
}

/** config.json, and the settings of generation: their own file, or config.json where it is missing. */
export async function readConfigs(
  files: Source,
  signal: AbortSignal | undefined,
): Promise<{ config: JsonObject; generation: JsonObject }> {
  const file = 'generation_config.json';
  const reading = readJson(files, file, { signal });
  reading.catch(() => {}); // what is wrong with config.json is told first
  const config = await readConfig(files, signal);
  const generation = await reading;
  return {
    config,
    generation: generation === undefined ? config : object(generation, files, file),
  };
}

/** What a file of JSON holds. Errors: CONFIG_INVALID for what is no object. */
export function object(value: unknown, files: Source, file: string): JsonObject {
  if (isObject(value)) return value;
  throw new TransformerError(
    'CONFIG_INVALID',
    `${describeFile(files, file)} is not a JSON object. Download the file again.`,
  );
}
