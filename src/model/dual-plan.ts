// The forward pass of a model of texts and images: both stacks, or the one that has inputs.

import type { Plan } from '../runtime/plan.ts';
import type { Scope } from '../runtime/scope.ts';
import type { DualEncoderDefinition } from './definitions.ts';
import { ForwardPlan, scalar } from './forward-plan.ts';
import type { HeadBatch } from './heads/head.ts';
import type { PairLosses } from './heads/similarity-losses.ts';
import type { InputShape } from './inputs/input-stage.ts';
import { shownStates } from './layers/shown-states.ts';
import { type SequenceBatch, type SequenceGraph, sequenceGraph } from './sequence-graph.ts';
import { showStack } from './sequence-plan.ts';

/** A batch that was checked: of texts, of images, or of both. */
export interface DualBatch extends HeadBatch {
  readonly text: SequenceBatch | undefined;
  readonly vision: SequenceBatch | undefined;
  readonly returnLoss: boolean;
}

/** What a list is recorded for. */
export interface DualShape {
  readonly text: InputShape | undefined;
  readonly vision: InputShape | undefined;
  readonly returnLoss: boolean;
  readonly hiddenStates: boolean;
  readonly attentions: boolean;
}

const outputNames = {
  text: ['textLastHiddenState', 'textPoolerOutput', 'textHiddenStates', 'textAttentions'],
  vision: ['visionLastHiddenState', 'visionPoolerOutput', 'visionHiddenStates', 'visionAttentions'],
} as const;

type StackName = keyof typeof outputNames;

export function dualPlan(
  owner: Scope,
  definition: DualEncoderDefinition,
  shape: DualShape,
): Promise<ForwardPlan<DualBatch>> {
  const shownOf = (name: StackName) => shownStates(definition[name].stack, shape, `${name}.`);
  const shown = { text: shownOf('text'), vision: shownOf('vision') };
  const asked = { shown: [shown.text, shown.vision], labelled: false };
  return ForwardPlan.create<DualBatch>(owner, asked, (recording, results) => {
    const record = (name: StackName): SequenceGraph | undefined => {
      const own = shape[name];
      if (own === undefined) return undefined;
      const { head } = definition[name];
      const graph = recording.within(name, () =>
        sequenceGraph(recording, definition[name], { ...own, labelled: false }),
      );
      const batchOf = (batch: DualBatch): SequenceBatch => given(batch[name]);
      results.head(head, graph, (batch) => batchOf(batch).input.length);
      showStack(results, graph, { names: outputNames[name], shown: shown[name], batchOf });
      return graph;
    };
    const [text, vision] = [record('text'), record('vision')];
    let losses: PairLosses | undefined;
    if (text?.logits && vision?.logits) {
      const { similarity } = definition;
      const logits = similarity.record(vision.logits, text.logits);
      results.add(
        logits,
        () => logits.shape,
        (value, output) => similarity.show(value, output),
      );
      if (shape.returnLoss) losses = similarity.losses(vision.logits, text.logits, logits);
    }
    const each = losses?.losses;
    if (each !== undefined) {
      results.add(
        each,
        () => each.shape,
        ({ data }, output) => {
          output.loss = scalar(data.reduce((sum, loss) => sum + loss, 0) / each.size(0));
        },
      );
    }
    return {
      write(plan: Plan, batch: DualBatch): void {
        text?.write(plan, given(batch.text));
        vision?.write(plan, given(batch.vision));
        losses?.write?.(plan);
      },
    };
  });
}

/** The part of a batch for a stack that a list has: lists are recorded for the parts that there are. */
export function given(part: SequenceBatch | undefined): SequenceBatch {
  if (part === undefined) throw new RangeError('a batch for another list');
  return part;
}
