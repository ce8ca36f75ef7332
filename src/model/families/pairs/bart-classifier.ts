// The head of BART and mBART that tells classes.

import { TransformerError } from '../../../runtime/errors.ts';
import type { Config } from '../../config.ts';
import type { ChooseToken } from '../../heads/head.ts';
import { labelCount } from '../../heads/head-name.ts';
import { SequenceHead } from '../../heads/sequence-head.ts';
import { sameShape } from '../../inputs/inputs.ts';
import type { WeightLoader } from '../../weights/weights.ts';

/** Of the decoder's state at the last end token of a target like the source. */
export function bartClassifier(config: Config, loader: WeightLoader): SequenceHead {
  const size = config.integer('d_model');
  const dense = loader.linear('classification_head.dense', size, size);
  const output = loader.linear('classification_head.out_proj', labelCount(config), size);
  const layers = [{ linear: dense, activation: 'tanh' } as const, { linear: output }];
  return new SequenceHead(config, layers, lastEndToken(config.integer('eos_token_id', 2, 0)));
}

/**
 * The place of each source's last end token, in a target of the same shape; as in Hugging Face, all sources
 * must have as many of them.
 */
function lastEndToken(endToken: number): ChooseToken {
  return ({ ids: target }, source) => {
    const ids = source?.ids;
    if (target === undefined || ids === undefined) throw new RangeError('no token to choose');
    sameShape('decoderInputIds', target, ids, 'inputIds');
    const counts = ids.rows.map((row) => row.filter((id) => id === endToken).length);
    const wrong = counts.findIndex((count) => count === 0 || count !== counts[0]);
    if (wrong < 0) return ids.rows.map((row) => row.lastIndexOf(endToken));
    throw new TransformerError(
      'INPUT_INVALID',
      `inputIds[${wrong}] has ${counts[wrong]} end tokens (${endToken}); wanted as many in each ` +
        `sequence, and at least one. The first has ${counts[0]}.`,
    );
  };
}
