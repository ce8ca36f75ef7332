// A loaded model of two stacks, one that reads texts and one that sees images.

import { checkFlags, refuseUnknown, throwIfAborted } from '../runtime/errors.ts';
import { show } from '../runtime/print.ts';
import type { Scope } from '../runtime/scope.ts';
import type { DualEncoderDefinition } from './definitions.ts';
import { checkDual, dualSizes } from './dual-inputs.ts';
import type { DualBatch, DualShape } from './dual-plan.ts';
import { ForwardOnlyModel } from './forward-only-model.ts';
import type { InputShape } from './inputs/input-stage.ts';
import type { ForwardOptions, LoadedParts, ModelInputs, ModelOutput } from './model.ts';
import { lookInto, pointOptions } from './points/looking.ts';
import type { Listing } from './points/list-points.ts';
import { type SequenceBatch, shapeOf } from './sequence-graph.ts';
import { trainableMakers, type TrainableModel } from './trainable-model.ts';

export class DualEncoderModel extends ForwardOnlyModel<DualBatch> {
  /** Of texts. */
  override readonly maxPositions: number;
  readonly #parts: LoadedParts;
  readonly #definition: DualEncoderDefinition;

  constructor(parts: LoadedParts, definition: DualEncoderDefinition) {
    super(parts, `${show(parts.config['model_type'])} does not generate. Use forward.`);
    this.maxPositions = definition.text.maxPositions;
    this.#parts = parts;
    this.#definition = definition;
  }

  override async forward(inputs: ModelInputs, options: ForwardOptions = {}): Promise<ModelOutput> {
    const known = ['hiddenStates', 'attentions', ...pointOptions, 'signal'];
    refuseUnknown(options, known, 'option of forward');
    checkFlags(options, 'hiddenStates', 'attentions');
    const batch = checkDual(inputs, this.#definition);
    const { hiddenStates = false, attentions, signal } = options;
    throwIfAborted(signal);
    const look = await lookInto(options, () => this.points(), dualSizes(batch));
    const own = (part: SequenceBatch | undefined): InputShape | undefined =>
      part && shapeOf(part, look);
    const shape: DualShape = {
      text: own(batch.text),
      vision: own(batch.vision),
      textEmbeds: batch.textEmbeds?.shape,
      returnLoss: batch.returnLoss,
      hiddenStates,
      attentions: attentions === true,
      points: look?.key,
    };
    const load = async () => {
      const { dualPlan } = await import('./dual-plan.ts');
      return (owner: Scope) => dualPlan(owner, this.#definition, shape, look);
    };
    return this.play(batch, shape, load, { signal, look });
  }

  protected override async listing(): Promise<Listing> {
    const { dualListing } = await import('./points/dual-points.ts');
    return dualListing(this.#definition);
  }

  override trainable(): TrainableModel {
    return trainableMakers().dual(
      this.#parts,
      this.#definition,
      (...from) => new DualEncoderModel(...from),
    );
  }
}
