// Checks the inputs of models of one stack.

import { TransformerError } from '../../runtime/errors.ts';
import { ignoredLabel } from '../../shaders/loss/cross-entropy.ts';
import type { SequenceDefinition } from '../definitions.ts';
import { maskBatch, sameShape, type TokenBatch, tokenBatch, withinPositions } from './inputs.ts';
import { type ModelInputs, refuseInputs } from '../model.ts';

/** Checked inputs, all (B, T). */
export interface SequenceTokens {
  readonly ids: TokenBatch;
  readonly mask: TokenBatch;
  readonly types: TokenBatch;
  /** Rows of the table of positions, or the places that rotary embeddings turn by. */
  readonly positions: TokenBatch;
}

type Shape = Pick<
  SequenceDefinition,
  'vocabulary' | 'maxPositions' | 'types' | 'paddingToken' | 'head'
>;

/** Inputs of one stack; absent masks are all ones, absent segments 0. @throws TransformerError INPUT_INVALID */
export function sequenceTokens(inputs: ModelInputs, definition: Shape): SequenceTokens {
  const { vocabulary, maxPositions, types: typeCount, paddingToken, head } = definition;
  const taken: (keyof ModelInputs)[] = ['inputIds', 'attentionMask', 'positionIds'];
  if (typeCount > 0) taken.push('tokenTypeIds');
  if (head?.kind === 'span') taken.push('startPositions', 'endPositions');
  else if (head !== undefined) taken.push('labels');
  refuseInputs(inputs, taken, 'This model');
  const ids = tokenBatch('inputIds', inputs.inputIds, 0, vocabulary);
  if (head?.kind === 'sequence' && head.single === true && ids.batch > 1) {
    throw new TransformerError(
      'INPUT_INVALID',
      `inputIds has ${ids.batch} rows, but config.json has no "pad_token_id" to tell the last token of ` +
        'each by. Pass one sequence at a time.',
    );
  }
  const mask = maskBatch('attentionMask', inputs.attentionMask, ids, 'inputIds');
  const zeros = { ...ids, rows: ids.rows.map((row) => row.map(() => 0)) };
  let types: TokenBatch = zeros;
  if (inputs.tokenTypeIds !== undefined) {
    types = tokenBatch('tokenTypeIds', inputs.tokenTypeIds, 0, typeCount);
    sameShape('tokenTypeIds', types, ids, 'inputIds');
  }
  if (inputs.positionIds === undefined) {
    const positions = { ...ids, rows: ids.rows.map((row) => countPositions(row, paddingToken)) };
    const first = paddingToken === undefined ? 0 : paddingToken + 1;
    const longest = positions.rows.reduce(
      (most, row) => row.reduce((a, b) => Math.max(a, b), most),
      0,
    );
    withinPositions('inputIds', longest + 1 - first, maxPositions);
    return { ids, mask, types, positions };
  }
  const end = maxPositions + (paddingToken === undefined ? 0 : paddingToken + 1);
  const positions = tokenBatch('positionIds', inputs.positionIds, 0, end);
  sameShape('positionIds', positions, ids, 'inputIds');
  return { ids, mask, types, positions };
}

/** From 0 on; with a padding token, which gets its own id, from the one behind it on. */
function countPositions(row: readonly number[], paddingToken: number | undefined): number[] {
  if (paddingToken === undefined) return row.map((_, place) => place);
  let count = paddingToken;
  return row.map((id) => (id === paddingToken ? paddingToken : ++count));
}

/** Labels of every token, -100 for those that do not count. @throws TransformerError INPUT_INVALID */
export function tokenLabels(labels: unknown, ids: TokenBatch, classes: number): TokenBatch {
  const batch = tokenBatch('labels', labels, ignoredLabel, classes);
  sameShape('labels', batch, ids, 'inputIds');
  const wrong = batch.rows.flat().find((label) => label < 0 && label !== ignoredLabel);
  if (wrong === undefined) return batch;
  throw new TransformerError(
    'INPUT_INVALID',
    `labels holds ${wrong}; wanted a class from 0 to ${classes - 1}, or ${ignoredLabel}.`,
  );
}

/** The label of each place of a language model: that of the token behind it. */
export function shifted(batch: TokenBatch): TokenBatch {
  return { ...batch, rows: batch.rows.map((row) => [...row.slice(1), ignoredLabel]) };
}

/** The last token of each sequence that is not `padding`; the last one where all are. */
export function lastTokens({ rows, length }: TokenBatch, padding: unknown): number[] {
  return rows.map((row) => {
    const last = row.findLastIndex((id) => id !== padding);
    return last < 0 ? length - 1 : last;
  });
}
