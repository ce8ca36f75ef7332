// Where an answer starts and ends: question answering.

import { TransformerError } from '../../runtime/errors.ts';
import { isListOf } from '../../runtime/lists.ts';
import { show } from '../../runtime/print.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { ignoredLabel } from '../../shaders/loss/ignored-label.ts';
import type { CheckedInput } from '../inputs/input-stage.ts';
import type { DenseTensor } from '../inputs/inputs.ts';
import type { ModelInputs, ModelOutput } from '../model.ts';
import type { EncoderHead } from './encoder-heads.ts';
import {
  applyLayers,
  type Head,
  type HeadLayer,
  type Labels,
  type SequenceLabels,
} from './head.ts';

/** Logits (B, T, 2), shown as (B, T) of the start and (B, T) of the end; a place of each. */
export class SpanHead implements Head {
  readonly takes = ['startPositions', 'endPositions'] as const;
  readonly lossOf = 'places';
  readonly layers: readonly HeadLayer[];

  constructor(layers: readonly HeadLayer[]) {
    this.layers = layers;
  }

  record(states: Tensor): Tensor {
    return applyLayers(states, this.layers);
  }

  show(logits: DenseTensor, output: ModelOutput): void {
    [output.startLogits, output.endLogits] = [column(logits, 0), column(logits, 1)];
  }

  labels(
    { startPositions: starts, endPositions: ends }: ModelInputs,
    { batch, length }: CheckedInput,
  ): Labels | undefined {
    if (starts === undefined || ends === undefined) return undefined;
    for (const [name, places] of Object.entries({ startPositions: starts, endPositions: ends })) {
      if (isListOf(places, Number.isInteger) && places.length === batch) continue;
      throw new TransformerError(
        'INPUT_INVALID',
        `${name} are ${show(places)}; wanted ${batch} whole numbers, the token of each text; others than those of ` +
          'the text do not count.',
      );
    }
    return {
      sequences: spanLabels(starts, ends, length),
      loss: async (logits) => {
        const { placeLoss } = await import('./losses.ts');
        return (placeLoss(column(logits, 0), starts) + placeLoss(column(logits, 1), ends)) / 2;
      },
    };
  }
}

/** A start and an end for each sequence; places outside of it do not count. */
function spanLabels(
  starts: readonly number[],
  ends: readonly number[],
  length: number,
): SequenceLabels {
  const counted = (place: number): number => (place >= 0 && place < length ? place : ignoredLabel);
  const rows = starts.map((start, i) => [counted(start), counted(ends[i] ?? ignoredLabel)]);
  const [first, last] = placesThatCount(rows);
  // The mean of the means of both has no value where one of them has none.
  const count = first === 0 || last === 0 ? 0 : first + last;
  return { rows, steps: rows.map(() => length), room: 2, count };
}

/** How many starts and how many ends count. */
export function placesThatCount(rows: SequenceLabels['rows']): [starts: number, ends: number] {
  const of = (own: number): number => rows.filter((row) => row[own] !== ignoredLabel).length;
  return [of(0), of(1)];
}

/** One of the two columns, (B, T). */
function column({ data, shape }: DenseTensor, own: number): DenseTensor {
  return { data: data.filter((_, i) => i % 2 === own), shape: shape.slice(0, 2) };
}

export const spanHead: EncoderHead = {
  shown: (has) => has('qa_outputs.weight'),
  declare: ({ loader, size }) => new SpanHead([{ linear: loader.linear('qa_outputs', 2, size) }]),
};
