// Training of models of texts and images, on pairs of both.

import type { Recording } from '../runtime/record.ts';
import type { DualEncoderDefinition } from '../model/definitions.ts';
import { checkDual } from '../model/dual-inputs.ts';
import { type DualBatch, given } from '../model/dual-plan.ts';
import type { ModelInputs } from '../model/model.ts';
import { sequenceGraph } from '../model/sequence-graph.ts';
import type {
  Adapt,
  MakeTrainable,
  TrainingGraph,
  TrainableModel,
} from '../model/trainable-model.ts';
import { expectNoStates, type PaddedBatch, TrainableParts } from './trainable-parts.ts';
import { adaptWeights } from './weight-structures.ts';
import { withoutLayers } from './trainable-sequence.ts';

export class TrainableDual
  extends TrainableParts<DualBatch, DualEncoderDefinition>
  implements TrainableModel<PaddedBatch<DualBatch>>
{
  constructor(...[parts, definition, remake]: Parameters<MakeTrainable<DualEncoderDefinition>>) {
    const { text, vision } = definition;
    const stacks = { text: text.stack, vision: vision.stack };
    super(parts, definition, { inputs: [text.input, vision.input], stacks, remake });
  }

  protected override withoutLayers(): DualEncoderDefinition {
    const { text, vision, similarity } = this.definition;
    return { text: withoutLayers(text), vision: withoutLayers(vision), similarity };
  }

  /** Every such model has a loss of pairs. */
  expectLoss(): void {}

  /** Takes texts and as many images: each belongs to the one in its place, and to no other. */
  prepare(inputs: ModelInputs, multiple: number, read?: 'states'): PaddedBatch<DualBatch> {
    expectNoStates(read);
    const checked = checkDual({ ...inputs, returnLoss: true }, this.definition);
    const stacks = [given(checked.text).input, given(checked.vision).input];
    const most = this.definition.text.maxPositions;
    return this.pad(checked, stacks, { most, multiple, labels: stacks[0]?.batch });
  }

  record(
    recording: Recording,
    { batch, lengths, checked }: PaddedBatch<DualBatch>,
    adapt?: Adapt,
  ): TrainingGraph<PaddedBatch<DualBatch>> {
    const definition = adapt ? adaptWeights(this.definition, adapt) : this.definition;
    // Images first: what is attacked is the first input.
    const [vision, text] = (['vision', 'text'] as const).map((name) => {
      const { size } = given(checked[name]).input;
      const shape = { batch, length: lengths[name === 'text' ? 0 : 1] ?? 0, size, labelled: false };
      return sequenceGraph(recording, definition[name], shape);
    });
    if (!text?.logits || !vision?.logits) throw new RangeError('no vectors to compare');
    const { similarity } = definition;
    const perImage = similarity.record(vision.logits, text.logits);
    const { losses, write } = similarity.losses(vision.logits, text.logits, perImage);
    return {
      from: { losses, perImage },
      write(plan, { checked: own }) {
        text.write(plan, given(own.text));
        vision.write(plan, given(own.vision));
        write?.(plan);
      },
    };
  }
}
