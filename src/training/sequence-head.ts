// Training of models of one stack: language models, masked or not, and classifiers of tokens and texts.

import { TransformerError } from '../runtime/errors.ts';
import { show } from '../runtime/print.ts';
import type { Plan } from '../runtime/plan.ts';
import type { Recording } from '../runtime/record.ts';
import { ignoredLabel } from '../shaders/loss/cross-entropy.ts';
import type { SequenceDefinition } from '../model/definitions.ts';
import { padRows, type TokenBatch, tokenBatch } from '../model/inputs/inputs.ts';
import type { LoadedParts, ModelInputs } from '../model/model.ts';
import { sequenceGraph } from '../model/sequence-graph.ts';
import {
  type SequenceTokens,
  sequenceTokens,
  shifted,
  tokenLabels,
} from '../model/inputs/sequence-inputs.ts';
import { sequenceInputTensors, writeSequenceInputs } from '../model/sequence-plan.ts';
import {
  cannotTrain,
  type Substitute,
  type TrainingBatch,
  type TrainingGraph,
  type TrainingHead,
} from '../model/training-head.ts';
import { HeadParts, mapTensors } from './head-parts.ts';

/** A checked batch, the length it is padded to, and a label for each row of logits. */
export interface LabelledTokens extends TrainingBatch {
  readonly sequences: SequenceTokens;
  readonly length: number;
  readonly targets: TokenBatch;
}

export class SequenceHead extends HeadParts implements TrainingHead<LabelledTokens> {
  readonly #definition: SequenceDefinition;

  /** @throws TransformerError MODEL_UNSUPPORTED for models without logits, and of spans */
  constructor(parts: LoadedParts, definition: SequenceDefinition) {
    const { embeddings, head } = definition;
    if (head === undefined || head.kind === 'span') {
      throw cannotTrain(head === undefined ? 'A model without a head' : 'Question answering');
    }
    const problem = parts.config['problem_type'] ?? 'single_label_classification';
    if (head.kind === 'sequence' && problem !== 'single_label_classification') {
      throw cannotTrain(`A classifier with the problem_type ${show(problem)}`);
    }
    super(parts, definition, [embeddings.tokens]);
    this.#definition = definition;
  }

  /** Takes `labels`: token ids, -100 for those that do not count, or a class of each sequence. */
  prepare(inputs: ModelInputs, multiple: number): LabelledTokens {
    const sequences = sequenceTokens(inputs, this.#definition);
    const targets = this.#targets(inputs.labels, sequences);
    const labels = targets.rows.flat().filter((label) => label !== ignoredLabel).length;
    if (labels === 0) {
      throw new TransformerError(
        'INPUT_INVALID',
        'No label of the batch counts. Leave such a batch out.',
      );
    }
    const { ids, mask } = sequences;
    const { maxPositions } = this.#definition;
    const length = Math.min(maxPositions, Math.ceil(ids.length / multiple) * multiple);
    const tokens = mask.rows.flat().reduce((count, flag) => count + flag, 0);
    const key = [ids.batch, length].join();
    return { key, padToMultipleOf: multiple, labels, tokens, sequences, length, targets };
  }

  record(
    recording: Recording,
    { sequences, length }: LabelledTokens,
    substitute?: Substitute,
  ): TrainingGraph<LabelledTokens> {
    const definition = substitute ? mapTensors(this.#definition, substitute) : this.#definition;
    const { batch } = sequences.ids;
    const inputs = sequenceInputTensors(recording, definition, { batch, length });
    const { logits } = sequenceGraph(inputs.tokens, inputs, definition);
    if (logits === undefined) throw new RangeError('this model has no logits');
    const columns = definition.head?.kind === 'sequence' ? 1 : length;
    const labels = recording.persistent('labels', [batch, columns], 'u32');
    const padToken = this.config['pad_token_id'];
    const { rotary } = this.#definition;
    return {
      logits,
      labels,
      write(plan: Plan, prepared: LabelledTokens): void {
        writeSequenceInputs(plan, inputs, prepared.sequences, {
          padToken,
          ...(rotary && { rotary }),
        });
        plan.write(labels, padRows(prepared.targets, columns, ignoredLabel));
      },
    };
  }

  #targets(labels: ModelInputs['labels'], { ids }: SequenceTokens): TokenBatch {
    const { head, vocabulary } = this.#definition;
    if (labels === undefined) {
      throw new TransformerError('INPUT_INVALID', 'A batch to train on needs labels.');
    }
    if (head?.kind === 'sequence') {
      const classes = head.layers.at(-1)?.linear.weight.size(0) ?? 0;
      const rows = labels.map((label) => (typeof label === 'number' ? [label] : label));
      const targets = tokenBatch('labels', rows, 0, classes);
      if (targets.batch === ids.batch && targets.length === 1) return targets;
      throw new TransformerError(
        'INPUT_INVALID',
        `labels are ${targets.batch} × ${targets.length}; wanted one class for each of ${ids.batch} sequences.`,
      );
    }
    const last = head?.kind === 'token' ? head.layers.at(-1) : undefined;
    const targets = tokenLabels(labels, ids, last?.linear.weight.size(0) ?? vocabulary);
    return head?.kind === 'language' ? shifted(targets) : targets;
  }
}
