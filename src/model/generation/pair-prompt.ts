// What the generation of an encoder–decoder begins with.

import { TransformerError } from '../../runtime/errors.ts';
import type { JsonObject } from '../../source/json.ts';
import type { EncoderDecoderDefinition } from '../definitions.ts';
import { sameBatch } from '../inputs/encoder-decoder-inputs.ts';
import { maskBatch, type TokenBatch, tokenBatch } from '../inputs/inputs.ts';
import type { ModelInputs } from '../model.ts';
import { refuseInputs } from '../inputs/refuse-inputs.ts';
import { startTokens } from './option-reader.ts';
import type { ReadPrompt } from './prompt.ts';

/** The source, and the target's first tokens. */
export function pairPrompt(
  { source, shape, head, speech }: EncoderDecoderDefinition,
  settings: JsonObject,
): ReadPrompt {
  return (inputs, options) => {
    if (head.output === undefined) {
      throw new TransformerError(
        'MODEL_UNSUPPORTED',
        'This model classifies; it does not generate. Use forward.',
      );
    }
    refuseInputs(inputs, [...source.takes, 'decoderInputIds'], 'Generation');
    if (speech !== undefined && inputs.decoderInputIds === undefined) {
      throw new TransformerError(
        'INPUT_INVALID',
        'Texts of speech that are generated together need decoderInputIds: the language, and what else they begin with. ' +
          'Without these, call generate for each.',
      );
    }
    const read = source.check(inputs);
    const { batch } = read;
    const vocabulary = shape.targetVocabulary;
    const { startToken } = startTokens(options, settings, vocabulary);
    const tokens = targetsOf(inputs, { startToken, batch, vocabulary });
    sameBatch(batch, tokens.batch, [source.takes[0], 'decoderInputIds']);
    const all = maskBatch('prompt', undefined, tokens, 'itself');
    return { tokens, mask: all, source: read };
  };
}

/**
 * What each target starts with: the start token, and the caller's decoder tokens behind it. As in Hugging
 * Face, the start token is put in front only when no sequence begins with it.
 */
function targetsOf(
  { decoderInputIds }: ModelInputs,
  { startToken, batch, vocabulary }: { startToken: number; batch: number; vocabulary: number },
): TokenBatch {
  if (decoderInputIds === undefined) {
    return { batch, length: 1, rows: Array.from({ length: batch }, () => [startToken]) };
  }
  const given = tokenBatch('decoderInputIds', decoderInputIds, 0, vocabulary);
  if (given.rows.some(([first]) => first === startToken)) return given;
  const rows = given.rows.map((row) => [startToken, ...row]);
  return { batch: given.batch, length: given.length + 1, rows };
}
