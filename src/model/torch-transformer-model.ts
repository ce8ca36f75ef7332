// A loaded nn.Transformer: forward passes over batches of vectors.

import { checkFlags, refuseUnknown, throwIfAborted } from '../runtime/errors.ts';
import type { Scope } from '../runtime/scope.ts';
import type { PairDefinition } from './definitions.ts';
import type { TorchTransformer } from './families/pairs/torch-transformer.ts';
import { ForwardOnlyModel } from './forward-only-model.ts';
import { VectorInput } from './inputs/vector-inputs.ts';
import type { ForwardOptions, LoadedParts, ModelInputs, ModelOutput } from './model.ts';
import { refuseInputs } from './inputs/refuse-inputs.ts';
import { checkShown, checkTarget, type PairBatch, pairSizes } from './pair-inputs.ts';
import { pairPlan, type PairPlanShape } from './pair-plan.ts';
import { lookInto, pointOptions } from './points/looking.ts';
import type { Listing } from './points/list-points.ts';
import { cannotTrain } from './trainable-model.ts';

/** Options of a PyTorch Transformer's `forward`. */
export interface TorchForwardOptions extends ForwardOptions {
  /** Whether targets see only what stands before them (PyTorch's causal `tgt_mask`); true by default. */
  causal?: boolean;
}

/** A loaded nn.Transformer. Its hidden states are the layers' own outputs, before the last norm. */
export class TorchTransformerModel extends ForwardOnlyModel<PairBatch> {
  override readonly maxPositions: number = Infinity;
  readonly #model: PairDefinition;

  constructor(parts: LoadedParts, { dModel, ...weights }: TorchTransformer) {
    super(
      parts,
      'nn.Transformer has no vocabulary, so it cannot generate. Use forward, or a Marian checkpoint.',
    );
    const [source, target] = [new VectorInput('source', dModel), new VectorInput('target', dModel)];
    this.#model = { source, target, weights };
  }

  /** inputsEmbeds: (B, S, d_model), decoderInputsEmbeds: (B, T, d_model), with their masks. */
  override async forward(
    inputs: ModelInputs,
    options: TorchForwardOptions = {},
  ): Promise<ModelOutput> {
    const known = ['hiddenStates', 'attentions', ...pointOptions, 'signal', 'causal'];
    refuseUnknown(options, known, 'option of forward');
    checkFlags(options, 'causal');
    checkShown(options);
    const model = this.#model;
    refuseInputs(inputs, [...model.source.takes, ...model.target.takes], 'nn.Transformer');
    const batch = checkTarget(inputs, model, model.source.check(inputs));
    const { hiddenStates = false, attentions = false, causal = true, signal } = options;
    throwIfAborted(signal);
    const look = await lookInto(options, () => this.points(), pairSizes(batch));
    const { source, target } = batch;
    const shape: PairPlanShape = {
      batch: source.batch,
      sourceLength: source.length,
      targetLength: target.length,
      hiddenStates,
      attentions,
      labelled: false,
      causal,
      points: look?.key,
    };
    const load = async () => (owner: Scope) => pairPlan(owner, model, shape, look);
    return this.play(batch, shape, load, { signal, look });
  }

  protected override async listing(): Promise<Listing> {
    const { pairListing } = await import('./points/pair-points.ts');
    return pairListing(this.#model, this.maxPositions);
  }

  override trainable(): never {
    throw cannotTrain('nn.Transformer');
  }
}
