// Attentions and hidden states of each step of a generation, as Hugging Face's `generate` gives them. A
// token sees the same whether it is fed alone or with all others, so they are cut out of one forward
// pass over what was generated; the steps themselves keep to the fused kernels.

import { repeatRows, type SourceStage } from '../inputs/input-stage.ts';
import type { DenseTensor } from '../inputs/inputs.ts';
import type { GenerateOutputOptions, GenerateResult, Model } from '../model.ts';
import { positionsOf } from '../inputs/inputs.ts';
import type { Prompt } from './prompt.ts';

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

/** What was asked for of each step that generated these sequences. */
export async function outputsOf(
  { forward, stage }: { forward: Model['forward']; stage: SourceStage | undefined },
  { tokens, mask, source }: Prompt,
  sequences: readonly (readonly number[])[],
  asked: GenerateOutputOptions & { readonly signal?: AbortSignal },
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
  const output = await forward(inputs, asked);
  const result: Partial<GenerateResult> = {};
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
