// The forward pass of a model of one stack.

import type { Scope } from '../runtime/scope.ts';
import type { SequenceDefinition } from './definitions.ts';
import { ForwardPlan } from './forward-plan.ts';
import type { InputShape } from './inputs/input-stage.ts';
import { shownStates } from './layers/shown-states.ts';
import { type SequenceBatch, sequenceGraph } from './sequence-graph.ts';

/** What a list is recorded for. */
export interface SequenceShape extends InputShape {
  readonly hiddenStates: boolean;
  readonly attentions: boolean;
  /** Whether it computes the loss of labels. */
  readonly labelled: boolean;
}

export function sequencePlan(
  owner: Scope,
  definition: SequenceDefinition,
  shape: SequenceShape,
): Promise<ForwardPlan<SequenceBatch>> {
  const shown = shownStates(definition.stack, shape);
  const { labelled } = shape;
  return ForwardPlan.create<SequenceBatch>(
    owner,
    { shown: [shown], labelled },
    (recording, results) => {
      const graph = sequenceGraph(recording, definition, shape);
      const { hidden, pooled } = graph;
      const states = ({ input }: SequenceBatch) => [input.batch, input.length, hidden.size(-1)];
      results.add(hidden, states, (value, output) => (output.lastHiddenState = value));
      if (pooled !== undefined) {
        results.add(
          pooled,
          () => pooled.shape,
          (value, output) => (output.poolerOutput = value),
        );
      }
      results.head(definition.head, graph, ({ input }) => input.length);
      results.list('hiddenStates', shown.hiddenStates, states);
      results.weights('attentions', shown.attentions, ({ input: { batch, length } }) => [
        batch,
        length,
        length,
      ]);
      return graph;
    },
  );
}
