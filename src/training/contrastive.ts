// Texts learn to be near what belongs to them and far from all else in the batch: "Efficient Natural Language Response
// Suggestion for Smart Reply" (Henderson et al. 2017, arXiv 1705.00652), §4.4, as sentence-transformers'
// MultipleNegativesRankingLoss has it.

import { refuseUnknown, TransformerError } from '../runtime/errors.ts';
import type { Plan } from '../runtime/plan.ts';
import type { Recording } from '../runtime/record.ts';
import type { Tensor } from '../runtime/tensor.ts';
import type { ModelInputs } from '../model/model.ts';
import { unitVectors } from '../model/sentence-layers.ts';
import { scale as scaled } from '../shaders/elementwise/scale.ts';
import { embedding } from '../shaders/embedding/embedding.ts';
import { crossEntropy } from '../shaders/loss/cross-entropy.ts';
import { matmul } from '../shaders/matmul/matmul.ts';
import { checkPositive, checkWhole, invalidOption } from './check.ts';
import type { Objective } from './objective.ts';
import { pooledStates, type TextPooling, textPoolings } from './pooled-states.ts';

/** Settings of the contrastive objective. */
export interface ContrastiveOptions {
  /** What the cosines are multiplied by; 20 by default. */
  scale?: number;
  /**
   * How the vector of a text is made of its tokens; by default as modules.json says where the model was loaded with
   * `modules: true`, else their mean. Layers behind it count either way.
   */
  pooling?: TextPooling;
  /** Texts of each example: 2 by default, an anchor and what belongs to it; others are negatives. */
  columns?: number;
}

/**
 * An objective for a `Trainer`: the cross entropy of each anchor i with its positive, among the positives of all
 * examples of the batch and their negatives, of scale · cosine (§4.4). Batches are those of `contrastiveBatch`, without
 * labels; models are of one stack, with a head or without. Of models with a head, that does not train.
 * @throws TransformerError OPTION_UNKNOWN, OPTION_INVALID
 */
export function contrastive(options: ContrastiveOptions = {}): Objective {
  refuseUnknown(options, ['scale', 'pooling', 'columns'], 'option of contrastive');
  const { scale = 20, pooling, columns = 2 } = options;
  checkPositive('scale', scale);
  checkWhole('columns', columns, 2);
  if (pooling !== undefined && !textPoolings.includes(pooling)) {
    throw invalidOption('pooling', pooling, `one of ${textPoolings.join(', ')}`);
  }
  return {
    name: 'contrastive',
    reads: 'states',
    count: (inputs) => examplesIn(inputs, columns),
    record(recording, { from }, { inputs }) {
      if (!('states' in from)) throw new RangeError('no states to compare');
      const examples = examplesIn(inputs, columns);
      const pooled = pooledStates(from, pooling);
      const unit = unitVectors(pooled.vectors);
      const [anchors, others] = [
        rowsFrom(recording, 0, examples),
        rowsFrom(recording, examples, (columns - 1) * examples),
      ];
      const cosines = matmul(
        embedding(anchors.rows, unit.vectors),
        embedding(others.rows, unit.vectors),
        {
          transposed: true,
          label: 'cosines',
        },
      );
      // The positive of anchor i is the i-th of the others.
      const losses = crossEntropy(scaled(cosines, scale), anchors.rows);
      return {
        losses,
        write(plan, own) {
          pooled.write(plan, own);
          for (const part of [unit, anchors, others]) part.write(plan);
        },
      };
    },
  };
}

/** Rows, and what writes what they need before a play. */
interface WrittenRows {
  readonly rows: Tensor;
  readonly write: (plan: Plan) => void;
}

/** The numbers of rows from `first` on, so many. */
function rowsFrom(recording: Recording, first: number, count: number): WrittenRows {
  const rows = recording.persistent('rows', [count], 'u32');
  const numbers = Uint32Array.from({ length: count }, (_, row) => first + row);
  return { rows, write: (plan) => plan.write(rows, numbers) };
}

/** Examples in a batch of so many texts each. @throws TransformerError INPUT_INVALID */
function examplesIn(inputs: ModelInputs, columns: number): number {
  const { inputIds, pixelValues, inputValues, inputsEmbeds } = inputs;
  const dense = pixelValues ?? inputValues ?? inputsEmbeds;
  const rows = inputIds?.length ?? dense?.shape[0] ?? 0;
  const examples = rows / columns;
  if (Number.isInteger(examples) && examples > 1) return examples;
  throw new TransformerError(
    'INPUT_INVALID',
    `A batch of ${rows} rows is not one of examples of ${columns} texts each, at least two of them: all anchors, then ` +
      'all that belongs to them. Make it with contrastiveBatch.',
  );
}
