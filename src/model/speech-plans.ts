// What a model that hears computes apart: its encoder over windows of sound, and its decoder beside what that gave.

import type { Plan } from '../runtime/plan.ts';
import type { Scope } from '../runtime/scope.ts';
import type { EncoderDecoderDefinition } from './definitions.ts';
import { ForwardPlan } from './forward-plan.ts';
import type { HeadBatch } from './heads/head.ts';
import type { CheckedInput, InputShape } from './inputs/input-stage.ts';
import { shownStates } from './layers/shown-states.ts';
import { encodeVectors } from './layers/transformer.ts';
import { pairGraph, type PairShape } from './pair-graph.ts';
import type { PairBatch } from './pair-inputs.ts';

/** Windows that were checked. */
export interface EncoderBatch extends HeadBatch {
  readonly source: CheckedInput;
}

/** `encoderLastHiddenState` of windows. */
export function encoderPlan(
  owner: Scope,
  { source, weights }: EncoderDecoderDefinition,
  shape: InputShape,
): Promise<ForwardPlan<EncoderBatch>> {
  const asked = { shown: [], labelled: false };
  return ForwardPlan.create<EncoderBatch>(owner, asked, (recording, results) => {
    const from = source.record(recording, shape);
    const states = encodeVectors(from, weights.encoder);
    results.add(
      states,
      () => states.shape,
      (value, output) => (output.encoderLastHiddenState = value),
    );
    return { write: (plan: Plan, batch) => from.write(plan, batch.source) };
  });
}

export interface DecoderShape extends PairShape {
  /** Whether cross-attentions are asked for, and not logits. */
  readonly attends: boolean;
}

/** `logits` or `crossAttentions` of targets beside what was encoded. */
export function decoderPlan(
  owner: Scope,
  { head, ...stacks }: EncoderDecoderDefinition,
  shape: DecoderShape,
): Promise<ForwardPlan<PairBatch>> {
  const wanted = { hiddenStates: false, attentions: shape.attends && ('cross' as const) };
  const shown = shownStates(stacks.weights.decoder, wanted, 'decoder.');
  const asked = { shown: [shown], labelled: false };
  return ForwardPlan.create<PairBatch>(owner, asked, (recording, results) => {
    const graph = pairGraph(recording, shape.attends ? stacks : { ...stacks, head }, shape);
    results.head(head, graph, ({ target }) => target.length);
    results.weights('crossAttentions', shown.crossAttentions, ({ source, target }) => [
      source.batch,
      target.length,
      source.length,
    ]);
    return graph;
  });
}

/** A model as it goes on from what its encoder gave. */
export function afterEncoder(
  { weights, ...model }: EncoderDecoderDefinition,
  source: EncoderDecoderDefinition['source'],
): EncoderDecoderDefinition {
  const { encoder } = weights;
  const nothing = { ...encoder, layers: [], finalNorm: undefined, relativeBias: undefined };
  return { ...model, source, weights: { ...weights, encoder: nothing } };
}
