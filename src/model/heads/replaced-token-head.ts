// Which tokens are not those of the text: ELECTRA (arXiv 2003.10555), §2.

import { ignoredLabel } from '../../shaders/loss/ignored-label.ts';
import type { CheckedInput } from '../inputs/input-stage.ts';
import type { DenseTensor } from '../inputs/inputs.ts';
import type { ModelInputs, ModelOutput } from '../model.ts';
import type { Labels } from './head.ts';
import { tokenLabels } from './token-labels.ts';
import { TokenHead } from './token-head.ts';

/** Logits (B, T), above 0 for what was replaced; a label of 0 or 1 for each token. */
export class ReplacedTokenHead extends TokenHead {
  readonly lossOf = 'flags';

  override pending(): undefined {
    return undefined;
  }

  show({ data, shape }: DenseTensor, output: ModelOutput): void {
    output.logits = { data, shape: shape.slice(0, 2) };
  }

  /** Neither padding counts nor what has no label, -100. */
  override labels(
    { labels }: ModelInputs,
    { ids, mask, length }: CheckedInput,
  ): Labels | undefined {
    if (labels === undefined) return undefined;
    const rows = tokenLabels(labels, 2, { ids }).rows.map((row, i) =>
      row.map((label, j) => (mask.rows[i]?.[j] === 1 ? label : ignoredLabel)),
    );
    const flags = rows.flat().filter((label) => label !== ignoredLabel);
    return {
      sequences: { rows, steps: rows.map(() => length), room: 1, count: flags.length },
      loss: async ({ data, shape: [, columns = 0] }) => {
        const { flagLoss } = await import('./losses.ts');
        const counted = rows.flatMap((row, i) =>
          row.flatMap((label, j) => (label === ignoredLabel ? [] : (data[i * columns + j] ?? NaN))),
        );
        const logits = Float32Array.from(counted);
        return flagLoss({ data: logits, shape: [logits.length] }, flags);
      },
    };
  }
}
