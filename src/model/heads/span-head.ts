// Where an answer starts and ends: question answering.

import type { Tensor } from '../../runtime/tensor.ts';
import type { DenseTensor } from '../inputs/inputs.ts';
import type { ModelInputs, ModelOutput } from '../model.ts';
import type { EncoderHead } from './encoder-heads.ts';
import { applyLayers, type Head, type HeadLayer, type Labels } from './head.ts';

/** Logits (B, T, 2), shown as (B, T) of the start and (B, T) of the end; a place of each. */
export class SpanHead implements Head {
  readonly takes = ['startPositions', 'endPositions'] as const;
  readonly untrained = 'Question answering';
  readonly layers: readonly HeadLayer[];

  constructor(layers: readonly HeadLayer[]) {
    this.layers = layers;
  }

  record(states: Tensor): Tensor {
    return applyLayers(states, this.layers);
  }

  show(logits: DenseTensor, output: ModelOutput): void {
    [output.startLogits, output.endLogits] = places(logits);
  }

  labels({ startPositions: starts, endPositions: ends }: ModelInputs): Labels | undefined {
    if (starts === undefined || ends === undefined) return undefined;
    return {
      loss: async (logits) => {
        const { placeLoss } = await import('./losses.ts');
        const [start, end] = places(logits);
        return (placeLoss(start, starts) + placeLoss(end, ends)) / 2;
      },
    };
  }
}

/** The two columns, (B, T) each. */
function places({ data, shape }: DenseTensor): [start: DenseTensor, end: DenseTensor] {
  const column = (first: number): DenseTensor => ({
    data: data.filter((_, i) => i % 2 === first),
    shape: shape.slice(0, 2),
  });
  return [column(0), column(1)];
}

export const spanHead: EncoderHead = {
  shown: (has) => has('qa_outputs.weight'),
  declare: ({ loader, size }) => new SpanHead([{ linear: loader.linear('qa_outputs', 2, size) }]),
};
