// Tensors of a checkpoint that its config.json does not call for: layers beyond those it speaks of are an
// error, as the model would be another one; others are told, unless nobody ever needs them.

import { TransformerError } from '../../runtime/errors.ts';
import { show } from '../../runtime/print.ts';
import type { TensorEntry } from '../../source/safetensors.ts';
import type { Warnings } from '../warnings.ts';

/** Buffers that older versions of Hugging Face's classes saved, and what is computed here. */
const harmless = [
  /(^|\.)position_ids$|(^|\.)rotary_emb\.inv_freq$/,
  // Causal masks of GPT-2, versions of BART, positions of Marian.
  /(^|\.)(attn|crossattention)\.(masked_)?bias$/,
  /(^|\.)(encoder|decoder)\.(version|embed_positions\.weight)$/,
  // What stands for masked patches, in training without labels.
  /(^|\.)embeddings\.mask_token$/,
  // What stands for masked sound, in training.
  /(^|\.)masked_spec_embed$/,
  // What pools the states of images, of which classifiers take the mean.
  /(^|\.)vision_model\.(post_layernorm|head)\./,
  // A masked head's second name of its bias, which only tied ones read.
  /(^|\.)(lm_head|cls\.predictions)\.bias$/,
  // T5's table that no cross-attention reads.
  /(^|\.)EncDecAttention\.relative_attention_bias\.weight$/,
];

/** The same where the encoder alone is the model. */
const harmlessToEncoder = /(^|\.)decoder\./;

/** The same where the states alone are asked for: what tells tokens. */
const harmlessToStates =
  /^(lm_head|embed_out|cls|head|decoder|lm_predictions|predictions|generator_\w+|vocab_\w+)\./;

/** How many names a message has. */
const told = 6;

export interface UnusedContext {
  /** What messages call the file of a tensor. */
  readonly name: (entry: TensorEntry) => string;
  readonly warnings: Warnings;
  /** The class that the checkpoint is taken as. */
  readonly class: string | undefined;
  /** Whether that is without its layers to the vocabulary. */
  readonly isBare?: boolean;
}

/**
 * Tells of the tensors that a model does not use. `used`: those that it does.
 * @throws TransformerError TENSOR_MISMATCH where whole layers are left over
 */
export function checkUnused(
  unused: readonly TensorEntry[],
  used: Iterable<TensorEntry>,
  { name, warnings, class: taken, isBare = false }: UnusedContext,
): void {
  const [first] = unused;
  if (first === undefined) return;
  refuseLayers(unused, used, name(first));
  const isEncoder = taken?.endsWith('EncoderModel') === true;
  const names = unused
    .map((entry) => entry.name)
    .filter((each) => !harmless.some((pattern) => pattern.test(each)))
    .filter((each) => !isEncoder || !harmlessToEncoder.test(each))
    .filter((each) => !isBare || !harmlessToStates.test(each));
  if (names.length === 0) return;
  warnings.add(`${name(first)}: ${taken ?? 'the model'} does not use ${listed(names)}.`);
}

/** The stack and the number of the layer that a name begins with. */
function layerOf(name: string): readonly [stack: string, index: string] | undefined {
  const [, stack, index] = /^(.*?)\.(\d+)\./.exec(name) ?? [];
  return stack === undefined || index === undefined ? undefined : [stack, index];
}

/** Refuses layers of which nothing is used, in stacks of which others are. */
function refuseLayers(
  unused: readonly TensorEntry[],
  used: Iterable<TensorEntry>,
  file: string,
): void {
  const stacks = new Map<string, Set<string>>();
  for (const { name } of used) {
    const [stack, index] = layerOf(name) ?? [];
    if (stack === undefined || index === undefined) continue;
    stacks.set(stack, (stacks.get(stack) ?? new Set()).add(index));
  }
  const extra = new Map<string, Set<string>>();
  for (const { name } of unused) {
    const [stack = '', index = ''] = layerOf(name) ?? [];
    if (stacks.get(stack)?.has(index) !== false) continue;
    extra.set(stack, (extra.get(stack) ?? new Set()).add(index));
  }
  const [left] = extra;
  if (left === undefined) return;
  const [stack, layers] = left;
  throw new TransformerError(
    'TENSOR_MISMATCH',
    `${file} has ${listed(Array.from(layers, (index) => `${stack}.${index}`))}, but config.json calls ` +
      `for ${stacks.get(stack)?.size ?? 0} layers there. ` +
      'Check that config.json and the weights belong together.',
  );
}

/** The first of some names, and how many more there are. */
function listed(names: readonly string[]): string {
  const first = names.slice(0, told).map((name) => show(name));
  const more = names.length - first.length;
  return first.join(', ') + (more > 0 ? ` and ${more} more` : '');
}
