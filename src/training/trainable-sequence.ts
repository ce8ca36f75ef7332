// Training of models of one stack: language models, masked or not, and classifiers of tokens and texts.

import type { Recording } from '../runtime/record.ts';
import type { SequenceDefinition } from '../model/definitions.ts';
import type { ModelInputs } from '../model/model.ts';
import { checkSequences, type SequenceBatch, sequenceGraph } from '../model/sequence-graph.ts';
import type {
  Adapt,
  MakeTrainable,
  TrainingGraph,
  TrainableModel,
} from '../model/trainable-model.ts';
import {
  expectLabels,
  expectLoss,
  TrainableParts,
  adaptWeights,
  type PaddedBatch,
} from './trainable-parts.ts';

export class TrainableSequence
  extends TrainableParts<SequenceBatch, SequenceDefinition>
  implements TrainableModel<PaddedBatch<SequenceBatch>>
{
  /** @throws TransformerError MODEL_UNSUPPORTED for models without logits, and without a loss in lists */
  constructor(...[parts, definition, remake]: Parameters<MakeTrainable<SequenceDefinition>>) {
    const { input, stack, causal, head } = definition;
    const stacks = causal ? { decoder: stack } : { encoder: stack };
    expectLoss(head);
    super(parts, definition, { inputs: [input], stacks, remake });
  }

  prepare(inputs: ModelInputs, multiple: number): PaddedBatch<SequenceBatch> {
    expectLabels(inputs);
    const checked = checkSequences(inputs, this.definition);
    return this.pad(checked, [checked.input], { most: this.definition.maxPositions, multiple });
  }

  record(
    recording: Recording,
    { batch, lengths, checked }: PaddedBatch<SequenceBatch>,
    adapt?: Adapt,
  ): TrainingGraph<PaddedBatch<SequenceBatch>> {
    const [length = 0] = lengths;
    const definition = adapt ? adaptWeights(this.definition, adapt) : this.definition;
    const { size } = checked.input;
    const room = checked.labels?.sequences?.room;
    return this.graph(
      sequenceGraph(recording, definition, {
        batch,
        length,
        size,
        labelled: true,
        room,
        deferred: true,
      }),
      definition.head,
    );
  }
}
