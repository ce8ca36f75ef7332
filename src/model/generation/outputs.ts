// Attentions and hidden states of each step of a generation, as Hugging Face's `generate` gives them, and what was at
// named points. A token sees the same whether it is fed alone or with all others, so they are taken from one forward
// pass over what was generated, with the edits of the call; the steps themselves keep to the fused kernels.

import { repeatRows } from '../inputs/input-stage.ts';
import type { DenseTensor } from '../inputs/inputs.ts';
import type { GenerateOutputOptions, GenerateResult } from '../model.ts';
import { positionsOf } from '../inputs/inputs.ts';
import { spreadEdits } from '../points/spread-edits.ts';
import type { DecodingModel, Request } from './request.ts';

type Kind = 'states' | 'selfAttention' | 'crossAttention';

/** The outputs of a forward pass that have a part for each step; an encoder's are as they are. */
const stepwise = {
  hiddenStates: 'states',
  attentions: 'selfAttention',
  decoderHiddenStates: 'states',
  decoderAttentions: 'selfAttention',
  crossAttentions: 'crossAttention',
} as const;
const whole = ['encoderHiddenStates', 'encoderAttentions'] as const;

/** What was asked for of the steps that generated these sequences. */
export async function outputsOf(
  { forward, stage }: Pick<DecodingModel, 'forward' | 'stage'>,
  { prompt: { tokens, mask, source }, options: { signal }, look }: Request,
  sequences: readonly (readonly number[])[],
  asked: Pick<GenerateOutputOptions, 'hiddenStates' | 'attentions' | 'capture'>,
): Promise<Partial<GenerateResult>> {
  // All tokens were fed but the last, which was only chosen.
  const copies = sequences.length / tokens.batch;
  const inputIds = sequences.map((row) => row.slice(0, -1));
  const masks = repeatRows(mask.rows, copies);
  const attentionMask = inputIds.map((row, i) => row.map((_, place) => masks[i]?.[place] ?? 1));
  const inputs =
    source === undefined || stage === undefined
      ? { inputIds, attentionMask, positionIds: attentionMask.map(positionsOf) }
      : { ...stage.inputsOf(source, copies), decoderInputIds: inputIds };
  const { length: count, [0]: first = [] } = sequences;
  const edit = look && spreadEdits(look, { count, copies, length: first.length - 1 });
  const output = await forward(inputs, {
    ...asked,
    ...(edit && { edit }),
    ...(signal && { signal }),
  });
  const result: Partial<GenerateResult> = output.captured ? { captured: output.captured } : {};
  for (const name of whole) {
    const layers = output[name];
    if (layers !== undefined) result[name] = layers;
  }
  for (const [name, kind] of Object.entries(stepwise)) {
    const layers = output[name as keyof typeof stepwise];
    if (layers === undefined) continue;
    result[name as keyof typeof stepwise] = stepsOf(layers, tokens.length, kind);
  }
  return result;
}

/** For each step, what each layer has of it: the prompt is the first step, then each token fed. */
function stepsOf(layers: readonly DenseTensor[], prompt: number, kind: Kind): DenseTensor[][] {
  const tokens = layers[0]?.shape.at(-2) ?? 0;
  return Array.from({ length: Math.max(0, tokens - prompt + 1) }, (_, step) => {
    const [first, end] = step === 0 ? [0, prompt] : [prompt + step - 1, prompt + step];
    return layers.map((layer) => {
      const columns = kind === 'selfAttention' ? end : (layer.shape.at(-1) ?? 0);
      return cut(layer, first, end, columns);
    });
  });
}

/** Rows from `first` up to `end` of the last but one axis, and the first columns of them. */
function cut(
  { data, shape }: DenseTensor,
  first: number,
  end: number,
  columns: number,
): DenseTensor {
  const [rows = 1, width = 1] = shape.slice(-2);
  const lead = shape.slice(0, -2);
  const blocks = data.length / (rows * width);
  const result = new Float32Array(blocks * (end - first) * columns);
  let at = 0;
  for (let block = 0; block < blocks; block++) {
    for (let row = first; row < end; row++) {
      const start = (block * rows + row) * width;
      result.set(data.subarray(start, start + columns), at);
      at += columns;
    }
  }
  return { data: result, shape: [...lead, end - first, columns] };
}
