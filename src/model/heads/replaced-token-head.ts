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
  readonly untrained = 'The detection of replaced tokens';

  show({ data, shape }: DenseTensor, output: ModelOutput): void {
    output.logits = { data, shape: shape.slice(0, 2) };
  }

  /** Neither padding counts nor what has no label, -100. */
  override labels({ labels }: ModelInputs, { ids, mask }: CheckedInput): Labels | undefined {
    if (labels === undefined) return undefined;
    const { rows } = tokenLabels(labels, 2, { ids });
    return {
      loss: async ({ data, shape: [, length = 0] }) => {
        const { flagLoss } = await import('./losses.ts');
        const counted = rows.flatMap((row, i) =>
          row.flatMap((label, j) =>
            mask.rows[i]?.[j] === 1 && label !== ignoredLabel
              ? [[data[i * length + j] ?? NaN, label] as const]
              : [],
          ),
        );
        const logits = Float32Array.from(counted, ([logit]) => logit);
        return flagLoss(
          { data: logits, shape: [logits.length] },
          counted.map(([, label]) => label),
        );
      },
    };
  }
}
