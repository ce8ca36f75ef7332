// Checks the inputs of an encoder–decoder model over token ids.

import { TransformerError } from '../../runtime/errors.ts';
import { ignoredLabel } from '../../shaders/loss/cross-entropy.ts';
import { maskBatch, sameShape, type TokenBatch, tokenBatch, withinPositions } from './inputs.ts';
import type {
  EncoderDecoderDefinition,
  SequenceClassifier,
  TransformerShape,
} from '../definitions.ts';
import { type ModelInputs, refuseInputs } from '../model.ts';

/** What a target begins with, and what fills it up. */
export interface StartTokens {
  readonly startToken: number;
  readonly padToken: number;
}

/** Checked inputs: masks have the shape of their tokens, labels that of the target. */
export interface ForwardTokens {
  readonly source: TokenBatch;
  readonly sourceMask: TokenBatch;
  readonly target: TokenBatch;
  readonly targetMask: TokenBatch;
  readonly labels: TokenBatch | undefined;
  /** Of a classifier: the place of each target's last end token. */
  readonly ends?: readonly number[];
}

/**
 * Checks the inputs of whole sequences; absent masks are all ones. `start` is asked where labels are to
 * make the target. Errors: INPUT_INVALID, and those of `start`.
 */
export function forwardTokens(
  inputs: ModelInputs,
  model: Pick<EncoderDecoderDefinition, 'shape' | 'repeatToken' | 'classifier'>,
  start: () => StartTokens,
): ForwardTokens {
  const { shape, repeatToken, classifier } = model;
  const taken = [
    'inputIds',
    'attentionMask',
    'decoderInputIds',
    'decoderAttentionMask',
    'labels',
  ] as const;
  refuseInputs(inputs, taken, 'This encoder–decoder model');
  const { maxPositions, targetVocabulary } = shape;
  const { source, sourceMask } = sourceTokens(inputs, shape);
  const tokenLabels = classifier === undefined ? inputs.labels : undefined;
  const labels = tokenLabels && labelBatch(tokenLabels, targetVocabulary);
  const isRepeated =
    repeatToken !== undefined && labels === undefined && inputs.decoderInputIds === undefined;
  const target = isRepeated
    ? { ...source, rows: source.rows.map((row) => [repeatToken, ...row.slice(0, -1)]) }
    : targetTokens(inputs, labels, targetVocabulary, start);
  withinPositions('decoderInputIds', target.length, maxPositions);
  const targetMask = maskBatch(
    'decoderAttentionMask',
    inputs.decoderAttentionMask,
    target,
    'decoderInputIds',
  );
  sameBatch(source, target);
  if (labels !== undefined) sameShape('labels', labels, target, 'decoderInputIds');
  const tokens = { source, sourceMask, target, targetMask, labels };
  return classifier ? { ...tokens, ends: endPlaces(tokens, classifier) } : tokens;
}

/** The place of each source's last end token; as in Hugging Face, all must have as many of them. */
function endPlaces(
  { source, target }: Pick<ForwardTokens, 'source' | 'target'>,
  { endToken }: SequenceClassifier,
): number[] {
  sameShape('decoderInputIds', target, source, 'inputIds');
  const counts = source.rows.map((row) => row.filter((id) => id === endToken).length);
  const wrong = counts.findIndex((count) => count === 0 || count !== counts[0]);
  if (wrong < 0) return source.rows.map((row) => row.lastIndexOf(endToken));
  throw new TransformerError(
    'INPUT_INVALID',
    `inputIds[${wrong}] has ${counts[wrong]} end tokens (${endToken}); wanted as many in each ` +
      `sequence, and at least one. The first has ${counts[0]}.`,
  );
}

/** The source tokens and their mask. */
export function sourceTokens(
  { inputIds, attentionMask }: ModelInputs,
  { sourceVocabulary, maxPositions }: TransformerShape,
): Pick<ForwardTokens, 'source' | 'sourceMask'> {
  const source = tokenBatch('inputIds', inputIds, 0, sourceVocabulary);
  withinPositions('inputIds', source.length, maxPositions);
  return { source, sourceMask: maskBatch('attentionMask', attentionMask, source, 'inputIds') };
}

/** Refuses another number of targets than of sources. */
export function sameBatch(source: TokenBatch, target: TokenBatch): void {
  if (source.batch === target.batch) return;
  throw new TransformerError(
    'INPUT_INVALID',
    `inputIds has ${source.batch} rows, decoderInputIds has ${target.batch}. Pass as many of each.`,
  );
}

/** Token ids, and -100 for those that do not count. */
function labelBatch(value: unknown, vocabulary: number): TokenBatch {
  const labels = tokenBatch('labels', value, ignoredLabel, vocabulary);
  for (const [index, row] of labels.rows.entries()) {
    const wrong = row.findIndex((label) => label < 0 && label !== ignoredLabel);
    if (wrong < 0) continue;
    throw new TransformerError(
      'INPUT_INVALID',
      `labels[${index}][${wrong}] is ${row[wrong]}; wanted a whole number from 0 to ` +
        `${vocabulary - 1}, or ${ignoredLabel} for what does not count.`,
    );
  }
  return labels;
}

/** The decoder's input: as given, or the labels moved one place to the right. */
function targetTokens(
  { decoderInputIds }: ModelInputs,
  labels: TokenBatch | undefined,
  vocabulary: number,
  start: () => StartTokens,
): TokenBatch {
  if (decoderInputIds !== undefined || labels === undefined) {
    return tokenBatch('decoderInputIds', decoderInputIds, 0, vocabulary);
  }
  const { startToken, padToken } = start();
  const rows = labels.rows.map((row) =>
    [startToken, ...row.slice(0, -1)].map((id) => (id < 0 ? padToken : id)),
  );
  return { ...labels, rows };
}
