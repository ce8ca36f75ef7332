// Training of models with an encoder and a decoder: logits of the target, or of what it says.

import type { Recording } from '../runtime/record.ts';
import type { Tensor } from '../runtime/tensor.ts';
import type { EncoderDecoderDefinition } from '../model/definitions.ts';
import { startTokens } from '../model/generation/option-reader.ts';
import type { ModelInputs } from '../model/model.ts';
import { pairGraph } from '../model/pair-graph.ts';
import { checkSequencePair, type PairBatch } from '../model/pair-inputs.ts';
import type {
  Adapt,
  MakeTrainable,
  TrainingGraph,
  TrainableModel,
} from '../model/trainable-model.ts';
import {
  expectLabels,
  expectLoss,
  expectNoStates,
  TrainableParts,
  type PaddedBatch,
} from './trainable-parts.ts';
import { adaptWeights } from './weight-structures.ts';

export class TrainablePair
  extends TrainableParts<PairBatch, EncoderDecoderDefinition>
  implements TrainableModel<PaddedBatch<PairBatch>>
{
  override readonly behindStates: readonly Tensor[];

  constructor(...[parts, model, remake]: Parameters<MakeTrainable<EncoderDecoderDefinition>>) {
    const { source, target, weights } = model;
    const { encoder, decoder } = weights;
    super(parts, model, { inputs: [source, target], stacks: { encoder, decoder }, remake });
    this.behindStates = this.weightsBeside([source, target, encoder, decoder]);
  }

  protected override withoutLayers(): EncoderDecoderDefinition {
    const { weights } = this.definition;
    const [encoder, decoder] = [weights.encoder, weights.decoder].map((stack) => ({
      ...stack,
      layers: [],
    }));
    return {
      ...this.definition,
      weights: { ...weights, ...(encoder && { encoder }), ...(decoder && { decoder }) },
    };
  }

  expectLoss(): void {
    expectLoss(this.definition.head);
  }

  /** Takes `labels`, or `labels` and `decoderInputIds`. */
  prepare(inputs: ModelInputs, multiple: number, read?: 'states'): PaddedBatch<PairBatch> {
    const { targetVocabulary, maxPositions } = this.definition.shape;
    expectNoStates(read);
    this.expectLoss();
    expectLabels(inputs);
    const checked = checkSequencePair(inputs, this.definition, () =>
      startTokens({}, this.generation, targetVocabulary),
    );
    return this.pad(checked, [checked.source, checked.target], { most: maxPositions, multiple });
  }

  record(
    recording: Recording,
    { batch, lengths, checked }: PaddedBatch<PairBatch>,
    adapt?: Adapt,
  ): TrainingGraph<PaddedBatch<PairBatch>> {
    const [sourceLength = 0, targetLength = 0] = lengths;
    const model = adapt ? adaptWeights(this.definition, adapt) : this.definition;
    return this.graph(
      pairGraph(recording, model, {
        batch,
        sourceLength,
        sourceSize: checked.source.size,
        targetLength,
        labelled: true,
        deferred: true,
      }),
      model.head,
    );
  }
}
