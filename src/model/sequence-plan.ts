// The forward pass of a model of one stack.

import type { Scope } from '../runtime/scope.ts';
import type { Tensor } from '../runtime/tensor.ts';
import type { SequenceDefinition } from './definitions.ts';
import { ForwardPlan, type Results } from './forward-plan.ts';
import type { HeadBatch } from './heads/head.ts';
import { type ShownStates, shownStates } from './layers/shown-states.ts';
import type { Look } from './points/look.ts';
import {
  type GraphShape,
  type SequenceBatch,
  type SequenceGraph,
  sequenceGraph,
  sequenceSizes,
} from './sequence-graph.ts';

/** What a list is recorded for. */
export interface SequenceShape extends GraphShape {
  readonly hiddenStates: boolean;
  readonly attentions: boolean;
  /** Which named points are looked at. */
  readonly points?: string | undefined;
}

/** What the outputs of a stack are called. */
type StackOutputs = readonly [
  last: 'lastHiddenState' | 'textLastHiddenState' | 'visionLastHiddenState',
  pooled: 'poolerOutput' | 'textPoolerOutput' | 'visionPoolerOutput',
  hiddenStates: 'hiddenStates' | 'textHiddenStates' | 'visionHiddenStates',
  attentions: 'attentions' | 'textAttentions' | 'visionAttentions',
];

interface ShownStack<Batch> {
  readonly names: StackOutputs;
  readonly shown: ShownStates;
  /** The stack's part of a batch. */
  readonly batchOf: (batch: Batch) => SequenceBatch;
}

/** Has a list bring back the states of a recorded stack. */
export function showStack<Batch extends HeadBatch>(
  results: Results<Batch>,
  { hidden, pooled }: SequenceGraph,
  { names: [last, pool, hiddenStates, attentions], shown, batchOf }: ShownStack<Batch>,
): void {
  const states = (batch: Batch, tensor: Tensor = hidden): readonly number[] => {
    const { input } = batchOf(batch);
    return [input.batch, input.length, tensor.size(-1)];
  };
  results.add(hidden, states, (value, output) => (output[last] = value));
  if (pooled !== undefined) {
    results.add(
      pooled,
      () => pooled.shape,
      (value, output) => (output[pool] = value),
    );
  }
  results.list(hiddenStates, shown.hiddenStates, states, (value) => shown.apart?.(value) ?? value);
  results.weights(attentions, shown.attentions, (batch) => {
    const { input } = batchOf(batch);
    return [input.batch, input.length, input.length];
  });
}

export function sequencePlan(
  owner: Scope,
  definition: SequenceDefinition,
  shape: SequenceShape,
  look?: Look,
): Promise<ForwardPlan<SequenceBatch>> {
  const shown = shownStates(definition.stack, shape);
  const { labelled } = shape;
  return ForwardPlan.create<SequenceBatch>(
    owner,
    {
      shown: [shown],
      labelled,
      looked: look && { look, padded: () => shape, sizesOf: sequenceSizes },
    },
    (recording, results) => {
      const graph = sequenceGraph(recording, definition, shape);
      results.head(definition.head, graph, ({ input }) => shape.kept ?? input.length);
      const names = ['lastHiddenState', 'poolerOutput', 'hiddenStates', 'attentions'] as const;
      showStack(results, graph, { names, shown, batchOf: (batch) => batch });
      return graph;
    },
  );
}
