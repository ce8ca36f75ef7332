// Sequence to sequence training of an encoder–decoder model: logits of the target for given labels.

import { TransformerError } from '../runtime/errors.ts';
import type { Plan } from '../runtime/plan.ts';
import type { Recording } from '../runtime/record.ts';
import { ignoredLabel } from '../shaders/loss/cross-entropy.ts';
import { startTokens } from '../model/generation/option-reader.ts';
import { type ForwardTokens, forwardTokens } from '../model/inputs/encoder-decoder-inputs.ts';
import type { TokenBatch } from '../model/inputs/inputs.ts';
import { className } from '../model/heads/head-name.ts';
import type { EncoderDecoderDefinition } from '../model/definitions.ts';
import { logits } from '../model/layers/logits.ts';
import type { LoadedParts, ModelInputs } from '../model/model.ts';
import { sequenceInputs, writePositions, writeSequences } from '../model/inputs/token-inputs.ts';
import {
  type Adapt,
  type TrainingBatch,
  type TrainingGraph,
  type TrainingHead,
} from '../model/training-head.ts';
import { decode, encode } from '../model/layers/transformer.ts';
import { adaptLinears, HeadParts } from './head-parts.ts';
import { remember } from '../model/layers/cross-attention.ts';

/** A checked batch and the lengths it is padded to. */
export interface SequenceBatch extends TrainingBatch {
  readonly tokenBatches: ForwardTokens;
  readonly sourceLength: number;
  readonly targetLength: number;
}

export class EncoderDecoderHead extends HeadParts implements TrainingHead<SequenceBatch> {
  readonly #model: EncoderDecoderDefinition;

  /** @throws TransformerError MODEL_UNSUPPORTED for classifiers */
  constructor(parts: LoadedParts, model: EncoderDecoderDefinition) {
    const { weights, classifier } = model;
    if (classifier) {
      throw new TransformerError(
        'MODEL_UNSUPPORTED',
        `A ${className(parts.config) ?? 'classifier'} runs, but cannot be trained yet. Train a classifier of one stack.`,
      );
    }
    const { source, target, encoder, decoder } = weights;
    super(parts, weights, {
      embeddings: [source.tokens, target.tokens],
      stacks: { encoder, decoder },
    });
    this.#model = model;
  }

  /** Takes `labels`, or `labels` and `decoderInputIds`; padded labels are -100. */
  prepare(inputs: ModelInputs, multiple: number): SequenceBatch {
    if (inputs.labels === undefined) {
      throw new TransformerError(
        'INPUT_INVALID',
        'A batch to train on needs labels: the target token ids, -100 for those that do not count.',
      );
    }
    const { shape } = this.#model;
    const { targetVocabulary } = this.#model.shape;
    const tokenBatches = forwardTokens(inputs, this.#model, () =>
      startTokens({}, this.generation, targetVocabulary),
    );
    const { source, sourceMask, target } = tokenBatches;
    const labels = inputs.labels.flat().filter((label) => label !== ignoredLabel).length;
    const sources = count(sourceMask);
    if (labels === 0 || sources === 0) {
      throw new TransformerError(
        'INPUT_INVALID',
        labels === 0
          ? 'No label of the batch counts: all are -100. Leave such a batch out.'
          : 'The source of the batch is all padding. Leave such a batch out.',
      );
    }
    const padded = (length: number): number =>
      Math.min(shape.maxPositions, Math.ceil(length / multiple) * multiple);
    const sourceLength = padded(source.length);
    const targetLength = padded(target.length);
    const key = [source.batch, sourceLength, targetLength].join();
    return {
      key,
      padToMultipleOf: multiple,
      labels,
      tokens: sources + labels,
      tokenBatches,
      sourceLength,
      targetLength,
    };
  }

  record(
    recording: Recording,
    { tokenBatches, sourceLength, targetLength }: SequenceBatch,
    adapt?: Adapt,
  ): TrainingGraph<SequenceBatch> {
    const weights = adapt ? adaptLinears(this.#model.weights, adapt) : this.#model.weights;
    const { batch } = tokenBatches.source;
    const inputs = sequenceInputs(recording, { batch, sourceLength, targetLength });
    const { source, target, labels } = inputs;
    let hasPositions = false;
    const memory = remember(encode(source, weights), source.mask, weights.decoder);
    const hidden = decode(target, memory, weights);
    return {
      logits: logits(hidden, weights),
      labels,
      write(plan: Plan, prepared: SequenceBatch): void {
        if (!hasPositions) {
          writePositions(plan, source);
          writePositions(plan, target);
          hasPositions = true;
        }
        writeSequences(plan, inputs, prepared.tokenBatches);
      },
    };
  }
}

function count({ rows }: TokenBatch): number {
  return rows.flat().filter((flag) => flag !== 0).length;
}
