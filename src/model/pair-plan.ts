// The forward pass of an encoder and a decoder.

import type { Scope } from '../runtime/scope.ts';
import type { PairDefinition } from './definitions.ts';
import { ForwardPlan } from './forward-plan.ts';
import { shownStates } from './layers/shown-states.ts';
import { pairGraph, type PairShape } from './pair-graph.ts';
import { type PairBatch, pairSizes } from './pair-inputs.ts';
import type { Look } from './points/look.ts';
import type { SizesOf } from './points/point-shapes.ts';

/** What a list is recorded for. */
export interface PairPlanShape extends PairShape {
  readonly hiddenStates: boolean;
  readonly attentions: boolean | 'cross';
  /** Which named points are looked at. */
  readonly points?: string | undefined;
}

export function pairPlan(
  owner: Scope,
  definition: PairDefinition,
  shape: PairPlanShape,
  look?: Look,
): Promise<ForwardPlan<PairBatch>> {
  const encoder = shownStates(definition.weights.encoder, shape, 'encoder.');
  const decoder = shownStates(definition.weights.decoder, shape, 'decoder.');
  const { batch: sequences, sourceLength, targetLength, labelled } = shape;
  const padded: SizesOf = (stack) => ({
    batch: sequences,
    length: stack === 'encoder' ? sourceLength : targetLength,
  });
  const looked = look && { look, padded, sizesOf: pairSizes };
  const asked = { shown: [encoder, decoder], labelled, looked };
  return ForwardPlan.create<PairBatch>(owner, asked, (recording, results) => {
    const graph = pairGraph(recording, definition, shape);
    const { memory, hidden } = graph;
    const read = ({ source }: PairBatch) => [source.batch, source.length, memory.size(-1)];
    const given = ({ target }: PairBatch) => [target.batch, target.length, hidden.size(-1)];
    results.head(definition.head, graph, ({ target }) => target.length);
    results.add(hidden, given, (value, output) => (output.lastHiddenState = value));
    results.add(memory, read, (value, output) => (output.encoderLastHiddenState = value));
    results.list('encoderHiddenStates', encoder.hiddenStates, read);
    results.list('decoderHiddenStates', decoder.hiddenStates, given);
    const sizes = (rows: 'source' | 'target', columns: 'source' | 'target') => (batch: PairBatch) =>
      [batch.source.batch, batch[rows].length, batch[columns].length] as const;
    results.weights('encoderAttentions', encoder.attentions, sizes('source', 'source'));
    results.weights('decoderAttentions', decoder.attentions, sizes('target', 'target'));
    results.weights('crossAttentions', decoder.crossAttentions, sizes('target', 'source'));
    return graph;
  });
}
