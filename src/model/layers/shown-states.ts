// What `forward` shows of the way through a stack on request, as named points of its recording.

import type { StackWeights, Streams } from './stack.ts';

/** Paths of named points; none of what was not asked for. */
export interface ShownStates {
  /** The stack's input, then each layer's output: (B, T, d_model) */
  readonly hiddenStates: readonly string[];
  /** The weights of each self-attention: (B, h, T, T) */
  readonly attentions: readonly string[];
  /** Each layer's cross-attention weights: (B, h, T, S) */
  readonly crossAttentions: readonly string[];
  /** How hidden states are shown, see `Streams`; as they are when absent. */
  readonly apart?: Streams['apart'] | undefined;
}

/** The points of a stack that is recorded within `prefix`, `encoder.` say. */
export function shownStates(
  { layers, streams, finalNorm, projection, normalizesLastState = false }: StackWeights,
  wanted: { readonly hiddenStates: boolean; readonly attentions: boolean | 'cross' },
  prefix: string = '',
): ShownStates {
  const each = (point: string): string[] =>
    layers.map((_, index) => `${prefix}layers.${index}.${point}`);
  const outputs = each('output');
  if (normalizesLastState && (finalNorm ?? projection) !== undefined)
    outputs.splice(-1, 1, `${prefix}output`);
  const hasCross = layers.some(({ crossAttention }) => crossAttention !== undefined);
  return {
    hiddenStates: wanted.hiddenStates ? [`${prefix}embeddings`, ...outputs] : [],
    attentions:
      wanted.attentions === true
        ? each('selfAttention.weights').filter((_, index) => !layers[index]?.selfAttention.memory)
        : [],
    crossAttentions: wanted.attentions && hasCross ? each('crossAttention.weights') : [],
    apart: streams && ((states) => streams.apart(states)),
  };
}

/** All of them. */
export function pointsOf(...shown: readonly ShownStates[]): string[] {
  return shown.flatMap(({ hiddenStates, attentions, crossAttentions }) => [
    ...hiddenStates,
    ...attentions,
    ...crossAttentions,
  ]);
}
