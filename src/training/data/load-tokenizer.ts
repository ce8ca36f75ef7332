// The tokenizer of a checkpoint by itself, for those who make batches.

import { refuseUnknown } from '../../runtime/errors.ts';
import {
  type ModelSource,
  openSource,
  type SourceOptions,
  sourceOptions,
} from '../../source/open-source.ts';
import { Tokenizer } from '../../tokenizer/tokenizer.ts';

/**
 * Loads the tokenizer of a checkpoint: `source` is what `loadModel` takes.
 * @throws TransformerError FILE_*, CONFIG_INVALID, MODEL_UNSUPPORTED, OPTION_UNKNOWN, ABORTED
 */
export async function loadTokenizer(
  source: ModelSource,
  options: SourceOptions & { signal?: AbortSignal } = {},
): Promise<Tokenizer> {
  refuseUnknown(options, ['signal', ...sourceOptions], 'option of loadTokenizer');
  const { signal, ...own } = options;
  const files = openSource(source, own);
  try {
    return await Tokenizer.load(files, signal);
  } finally {
    files.release?.();
  }
}
