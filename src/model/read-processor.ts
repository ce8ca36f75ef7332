// The settings of what comes before a model that sees or hears.

import { isObject } from '../source/json.ts';
import { describeFile, notFound, readJson, type Source } from '../source/source.ts';
import { Config } from './config.ts';
import { object } from './read-configs.ts';

/**
 * What is done with sound or pictures before a model: the part of processor_config.json by one of these names, as new
 * releases write it, or preprocessor_config.json. Errors: FILE_NOT_FOUND, FILE_INVALID, CONFIG_INVALID.
 */
export async function readProcessor(
  files: Source,
  parts: readonly string[],
  signal: AbortSignal | undefined,
): Promise<Config> {
  const [joint, own] = ['processor_config.json', 'preprocessor_config.json'] as const;
  const [joined, alone] = await Promise.all([
    readJson(files, joint, { signal }),
    readJson(files, own, { signal }),
  ]);
  const part = parts.find((name) => isObject(joined) && (joined[name] ?? undefined) !== undefined);
  if (part !== undefined) {
    return new Config(object(joined, files, joint), describeFile(files, joint)).section(part);
  }
  if (alone !== undefined) return new Config(object(alone, files, own), describeFile(files, own));
  const next = 'It says what comes before the model: put it beside config.json.';
  throw notFound(files, [own], next);
}
