// The forward pass of a model of texts and images: both stacks, or the one that has inputs.

import { TransformerError } from '../runtime/errors.ts';
import type { Plan } from '../runtime/plan.ts';
import type { Scope } from '../runtime/scope.ts';
import type { Tensor } from '../runtime/tensor.ts';
import type { DualEncoderDefinition } from './definitions.ts';
import { ForwardPlan, scalar } from './forward-plan.ts';
import type { HeadBatch } from './heads/head.ts';
import type { PairLosses } from './heads/similarity-losses.ts';
import type { InputShape } from './inputs/input-stage.ts';
import type { DenseTensor } from './inputs/inputs.ts';
import { dualSizes } from './dual-inputs.ts';
import { shownStates } from './layers/shown-states.ts';
import type { Look } from './points/look.ts';
import type { SizesOf } from './points/point-shapes.ts';
import { type SequenceBatch, type SequenceGraph, sequenceGraph } from './sequence-graph.ts';
import { showStack } from './sequence-plan.ts';

/** A batch that was checked: of texts, of images, or of both. */
export interface DualBatch extends HeadBatch {
  readonly text: SequenceBatch | undefined;
  readonly vision: SequenceBatch | undefined;
  /** Vectors of texts that were read before, (M, d). */
  readonly textEmbeds: DenseTensor | undefined;
  readonly returnLoss: boolean;
}

/** What a list is recorded for. */
export interface DualShape {
  readonly text: InputShape | undefined;
  readonly vision: InputShape | undefined;
  readonly textEmbeds: readonly number[] | undefined;
  readonly returnLoss: boolean;
  readonly hiddenStates: boolean;
  readonly attentions: boolean;
  /** Which named points are looked at. */
  readonly points?: string | undefined;
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
  look?: Look,
): Promise<ForwardPlan<DualBatch>> {
  const shownOf = (name: StackName) => shownStates(definition[name].stack, shape, `${name}.`);
  const shown = { text: shownOf('text'), vision: shownOf('vision') };
  const padded: SizesOf = (stack) =>
    (stack === 'vision' ? shape.vision : shape.text) ?? { batch: 0, length: 0 };
  const looked = look && { look, padded, sizesOf: dualSizes };
  const asked = { shown: [shown.text, shown.vision], labelled: false, looked };
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
    const known = shape.textEmbeds && recording.persistent('textEmbeds', shape.textEmbeds);
    const texts = text?.logits ?? known;
    let losses: PairLosses | undefined;
    if (texts && vision?.logits) {
      const { similarity } = definition;
      sameWidth(texts, vision.logits);
      const logits = similarity.record(vision.logits, texts);
      results.add(
        logits,
        () => logits.shape,
        (value, output) => similarity.show(value, output),
      );
      if (shape.returnLoss) losses = similarity.losses(vision.logits, texts, logits);
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
        if (known && batch.textEmbeds) plan.write(known, new Float32Array(batch.textEmbeds.data));
        losses?.write?.(plan);
      },
    };
  });
}

function sameWidth(texts: Tensor, images: Tensor): void {
  const [width, wanted] = [texts.size(-1), images.size(-1)];
  if (width === wanted) return;
  throw new TransformerError(
    'INPUT_INVALID',
    `textEmbeds has vectors of ${width} numbers; this model has ${wanted}. Pass what it gave for texts.`,
  );
}

/** The part of a batch for a stack that a list has: lists are recorded for the parts that there are. */
export function given(part: SequenceBatch | undefined): SequenceBatch {
  if (part === undefined) throw new RangeError('a batch for another list');
  return part;
}
