// Training of models of one stack: language models, masked or not, and classifiers of tokens and texts.

import type { Recording } from '../runtime/record.ts';
import type { Tensor } from '../runtime/tensor.ts';
import type { SequenceDefinition } from '../model/definitions.ts';
import type { ModelInputs } from '../model/model.ts';
import { checkSequences, type SequenceBatch, sequenceGraph } from '../model/sequence-graph.ts';
import type {
  Adapt,
  MakeTrainable,
  TrainingGraph,
  TrainableModel,
} from '../model/trainable-model.ts';
import { expectLabels, expectLoss, TrainableParts, type PaddedBatch } from './trainable-parts.ts';
import { adaptWeights } from './weight-structures.ts';

/** A padded batch; without labels where the states of the stack are read. */
interface SequencePadding extends PaddedBatch<SequenceBatch> {
  readonly read?: 'states';
}

/** What stands before the states of a model. */
function stackOf({
  pooler: _pooler,
  mix: _mix,
  head: _head,
  ...before
}: SequenceDefinition): SequenceDefinition {
  return before;
}

export function withoutLayers(definition: SequenceDefinition): SequenceDefinition {
  return { ...definition, stack: { ...definition.stack, layers: [] } };
}

export class TrainableSequence
  extends TrainableParts<SequenceBatch, SequenceDefinition>
  implements TrainableModel<SequencePadding>
{
  override readonly behindStates: readonly Tensor[];

  constructor(...[parts, definition, remake]: Parameters<MakeTrainable<SequenceDefinition>>) {
    const { input, stack, causal } = definition;
    const stacks = causal ? { decoder: stack } : { encoder: stack };
    super(parts, definition, { inputs: [input], stacks, remake });
    this.behindStates = this.weightsBeside(stackOf(definition));
  }

  protected override withoutLayers(): SequenceDefinition {
    return withoutLayers(this.definition);
  }

  expectLoss(): void {
    expectLoss(this.definition.head);
  }

  prepare(inputs: ModelInputs, multiple: number, read?: 'states'): SequencePadding {
    const { maxPositions: most } = this.definition;
    if (read === undefined) {
      this.expectLoss();
      expectLabels(inputs, this.definition.head);
      const checked = checkSequences(inputs, this.definition);
      return this.pad(checked, [checked.input], { most, multiple });
    }
    const checked = checkSequences(inputs, stackOf(this.definition));
    const { batch } = checked.input;
    return { ...this.pad(checked, [checked.input], { most, multiple, labels: batch }), read };
  }

  record(
    recording: Recording,
    { batch, lengths, checked, read }: SequencePadding,
    adapt?: Adapt,
  ): TrainingGraph<SequencePadding> {
    const [length = 0] = lengths;
    const definition = adapt ? adaptWeights(this.definition, adapt) : this.definition;
    const { size } = checked.input;
    if (read !== undefined) {
      const shape = { batch, length, size, labelled: false };
      const graph = sequenceGraph(recording, stackOf(definition), shape);
      const from = { states: graph.hidden, mask: graph.mask, sentence: this.sentence };
      return { from, write: (plan, { checked: own }) => graph.write(plan, own) };
    }
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
