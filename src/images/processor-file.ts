// Where the settings of a checkpoint's image processor stand.

import { Config } from '../model/config.ts';
import { TransformerError } from '../runtime/errors.ts';
import { isObject } from '../source/json.ts';
import { describeFile, notFound, readJson, type Source } from '../source/source.ts';

const own = 'preprocessor_config.json';
const joint = 'processor_config.json';

/**
 * The fields of a processor: "image_processor" of processor_config.json as new releases write it, else
 * preprocessor_config.json. Errors: FILE_NOT_FOUND, FILE_INVALID, CONFIG_INVALID.
 */
export async function readProcessor(
  files: Source,
  signal: AbortSignal | undefined,
): Promise<Config> {
  const [joined, alone] = await Promise.all([
    readJson(files, joint, { signal }),
    readJson(files, own, { signal }),
  ]);
  if (isObject(joined) && isObject(joined['image_processor'])) {
    return new Config(joined, describeFile(files, joint)).section('image_processor');
  }
  if (alone === undefined) {
    const next = 'It says how pictures are prepared: put it beside config.json.';
    throw notFound(files, [own], next);
  }
  if (isObject(alone)) return new Config(alone, describeFile(files, own));
  throw new TransformerError(
    'CONFIG_INVALID',
    `${describeFile(files, own)} is not a JSON object. Download the file again.`,
  );
}
