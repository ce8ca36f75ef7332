// BLIP ("Bootstrapping Language-Image Pre-training", Li et al., 2022, arXiv 2201.12086), §3.1: a ViT, and BERT as the
// "image-grounded text decoder" that attends to what it gives: captions of images, begun by a text or not.

import type { JsonObject } from '../../../source/json.ts';
import type { Config } from '../../config.ts';
import type { EncoderDecoderDefinition } from '../../definitions.ts';
import { headName } from '../../heads/head-name.ts';
import { ImageInput } from '../../inputs/image-inputs.ts';
import { TokenInput } from '../../inputs/token-inputs.ts';
import { layerNormWeights } from '../../layers/norm-weights.ts';
import type { StackWeights } from '../../layers/stack.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import { bertDecoder } from '../encoders/bert-decoder.ts';
import { clipStack, stackSizes } from './clip-layers.ts';
import { imageEmbeddings } from './vision-encoder.ts';

/** What Hugging Face's configurations say where a file says nothing. */
const usualImages = { hidden_size: 768, image_size: 384, patch_size: 16 };
const usualTexts = {
  hidden_size: 768,
  intermediate_size: 3072,
  num_hidden_layers: 12,
  num_attention_heads: 8,
  vocab_size: 30524,
  max_position_embeddings: 512,
  hidden_dropout_prob: 0,
  attention_probs_dropout_prob: 0,
  bos_token_id: 30522,
  pad_token_id: 0,
  sep_token_id: 102,
};

/** Declares the weights of a `BlipForConditionalGeneration`. */
export function blip(config: Config, loader: WeightLoader): EncoderDecoderDefinition {
  if (headName(config) !== 'ConditionalGeneration') config.refuse('architectures');
  const images = sectionOf(config, 'vision_config', usualImages);
  const encoder = imageStack(images, loader);
  images.refuseUnread();

  const texts = sectionOf(config, 'text_config', usualTexts);
  const smoothing = texts.number('label_smoothing', 0);
  if (smoothing !== 0) {
    texts.warn(`"label_smoothing" is ${smoothing}; the loss of labels is without it.`);
  }
  // As a decoder of BERT without segments.
  const bert = texts.with({ architectures: ['BertLMHeadModel'], type_vocab_size: 0 });
  const seenSize = images.integer('hidden_size');
  const decoder = loader.within('text_decoder.', () => bertDecoder(bert, loader, seenSize));
  bert.refuseUnread();
  const { vocabulary, maxPositions, head } = decoder;
  const { embeddings: target } = decoder.input;
  if (head?.output === undefined || target === undefined) throw new RangeError('no tokens');
  const { output, before } = head;
  const tokens = { vocabulary, maxPositions, embeddings: target };
  return {
    shape: { targetVocabulary: vocabulary, maxPositions },
    source: encoder.source,
    target: new TokenInput(tokens, ['inputIds', 'attentionMask']),
    weights: { target, encoder: encoder.stack, decoder: decoder.stack, output, before },
    head,
    // A caption ends as a text does in BERT.
    generation: { ...texts.fields, eos_token_id: texts.integer('sep_token_id', undefined, 0) },
    prompted: { start: texts.integer('bos_token_id', undefined, 0) },
  };
}

function sectionOf(config: Config, name: string, usual: JsonObject): Config {
  const section = config.section(name, '', {});
  return section.with({ ...usual, ...section.fields });
}

function imageStack(
  config: Config,
  loader: WeightLoader,
): { readonly source: ImageInput; readonly stack: StackWeights } {
  const root = 'vision_model.';
  const usual = { size: 768, width: 3072, heads: 12, activation: 'gelu', eps: 1e-5 };
  const sizes = stackSizes(config, usual);
  const { size, heads, eps } = sizes;
  const images = imageEmbeddings(config, loader, {
    root: `${root}embeddings.`,
    projection: 'patch_embedding',
    positions: 'position_embedding',
    tokens: [['class_embedding', 1]],
    placed: 1,
  });
  const stack = clipStack(config, loader, root, sizes, (prefix) => ({
    heads,
    queryKeyValue: loader.linear(`${prefix}.qkv`, 3 * size, size),
    output: loader.linear(`${prefix}.projection`, size, size),
  }));
  const finalNorm = layerNormWeights(loader, `${root}post_layernorm`, size, eps);
  return { source: new ImageInput(images), stack: { ...stack, finalNorm } };
}
