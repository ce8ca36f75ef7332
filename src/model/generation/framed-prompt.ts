// Prompts of decoders that go on from whole texts, as tokenizers make them: between a token that begins a text and one
// that ends it (BLIP).

import { TransformerError } from '../../runtime/errors.ts';
import type { JsonObject } from '../../source/json.ts';
import type { EncoderDecoderDefinition } from '../definitions.ts';
import { sameBatch } from '../inputs/encoder-decoder-inputs.ts';
import { maskBatch, tokenBatch } from '../inputs/inputs.ts';
import { refuseInputs } from '../inputs/refuse-inputs.ts';
import { languagePrompt, type ReadPrompt } from './prompt.ts';

/**
 * The source, and texts to go on from: `start` stands in place of their first token, and the last one goes away. Without
 * a text it is `start` alone.
 */
export function framedPrompt(
  { source, target, shape }: EncoderDecoderDefinition,
  { start }: { readonly start: number },
  settings: JsonObject,
): ReadPrompt {
  const vocabulary = shape.targetVocabulary;
  const read = languagePrompt({ vocabulary }, settings);
  return (inputs, options) => {
    refuseInputs(inputs, [...source.takes, ...target.takes], 'Generation');
    const seen = source.check(inputs);
    const unbegun = Array.from({ length: seen.batch }, () => [start, start]);
    const { inputIds = unbegun, attentionMask } = inputs;
    const given = tokenBatch('inputIds', inputIds, 0, vocabulary);
    sameBatch(seen.batch, given.batch, [source.takes[0], 'inputIds']);
    if (given.length < 2) {
      throw new TransformerError(
        'INPUT_INVALID',
        'inputIds has one token a row; wanted texts with the tokens that begin and end them, of which the last goes away.',
      );
    }
    const mask = attentionMask && maskBatch('attentionMask', attentionMask, given, 'inputIds');
    const prompt = read(
      {
        inputIds: given.rows.map((row) => [start, ...row.slice(1, -1)]),
        ...(mask && { attentionMask: mask.rows.map((row) => row.slice(0, -1)) }),
      },
      options,
    );
    return { ...prompt, source: seen };
  };
}
