// Labels of every token.

import { TransformerError } from '../../runtime/errors.ts';
import { ignoredLabel } from '../../shaders/loss/ignored-label.ts';
import { sameShape, type TokenBatch, tokenBatch } from '../inputs/inputs.ts';

/**
 * Classes of tokens, -100 for those that do not count.
 * @throws TransformerError INPUT_INVALID; also where they are not shaped like `ids`, the input `name`
 */
export function tokenLabels(
  value: unknown,
  classes: number,
  { ids, name = 'inputIds' }: { ids?: TokenBatch | undefined; name?: string } = {},
): TokenBatch {
  const labels = tokenBatch('labels', value, ignoredLabel, classes);
  if (ids !== undefined) sameShape('labels', labels, ids, name);
  for (const [index, row] of labels.rows.entries()) {
    const wrong = row.findIndex((label) => label < 0 && label !== ignoredLabel);
    if (wrong < 0) continue;
    throw new TransformerError(
      'INPUT_INVALID',
      `labels[${index}][${wrong}] is ${row[wrong]}; wanted a whole number from 0 to ` +
        `${classes - 1}, or ${ignoredLabel} for what does not count.`,
    );
  }
  return labels;
}
