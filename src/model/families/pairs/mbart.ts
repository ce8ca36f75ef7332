// mBART (Liu et al., 2020, arXiv 2001.08210): BART in pre-norm form for many languages. Sources end with the token of
// their language; targets end with theirs, and the decoder begins with it.

import type { Config } from '../../config.ts';
import type { EncoderDecoderDefinition } from '../../definitions.ts';
import type { TokenBatch } from '../../inputs/inputs.ts';
import { preNorm } from '../../layers/block.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import { learnedBart } from './bart.ts';

/** Declares the weights of an `MBart…` checkpoint, the head as `architectures` says. */
export function mbart(config: Config, loader: WeightLoader): EncoderDecoderDefinition {
  const padding = config.integer('pad_token_id', 1, 0);
  const repeat = (tokens: TokenBatch): TokenBatch => turned(tokens, padding);
  const parts = { block: preNorm, finalNorm: 'layer_norm', inputOf: repeat };
  return { ...learnedBart(config, loader, parts), repeat };
}

/** The rows behind their own last token that is not padding, which names the language. */
function turned({ rows, ...size }: TokenBatch, padToken: number): TokenBatch {
  const read = rows.map((row) => row.map((id) => (id < 0 ? padToken : id)));
  const behindLast = read.map((row) => [
    row.at(row.filter((id) => id !== padToken).length - 1) ?? padToken,
    ...row.slice(0, -1),
  ]);
  return { ...size, rows: behindLast };
}
