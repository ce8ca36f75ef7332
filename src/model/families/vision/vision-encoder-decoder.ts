// An encoder of images, and a language model's decoder that attends to what it gives: captions, or the text that is
// read in an image (Li et al., 2021, arXiv 2109.10282, §3).

import type { Config } from '../../config.ts';
import type { EncoderDecoderDefinition, SequenceDefinition } from '../../definitions.ts';
import type { Declare } from '../../family.ts';
import { headName } from '../../heads/head-name.ts';
import { ImageInput } from '../../inputs/image-inputs.ts';
import type { Linear } from '../../weights/linear-weights.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import { bertDecoder, robertaDecoder } from '../encoders/bert-decoder.ts';
import { clipVision } from './clip.ts';
import { dinov2, dinov2WithRegisters } from './dinov2.ts';
import { gpt2Decoder } from '../decoders/gpt2.ts';
import { siglipVision } from './siglip.ts';
import { tokenTarget } from '../pairs/text-to-text.ts';
import { trocrDecoder } from './trocr.ts';
import { deit, vit } from './vit.ts';
import { yolos } from './yolos.ts';

/** The class that a part is of, and how it is declared. */
type Part = readonly [name: string, declare: Declare<SequenceDefinition>];

/** By `model_type`. */
const parts: Readonly<Record<'encoder' | 'decoder', Readonly<Record<string, Part>>>> = {
  encoder: {
    clip_vision_model: ['CLIPVisionModel', clipVision],
    deit: ['DeiTModel', deit],
    dinov2: ['Dinov2Model', dinov2],
    dinov2_with_registers: ['Dinov2WithRegistersModel', dinov2WithRegisters],
    siglip_vision_model: ['SiglipVisionModel', siglipVision],
    vit: ['ViTModel', vit],
    yolos: ['YolosModel', yolos],
  },
  decoder: {
    bert: ['BertLMHeadModel', bertDecoder],
    gpt2: ['GPT2LMHeadModel', gpt2Decoder],
    roberta: ['RobertaForCausalLM', robertaDecoder],
    trocr: ['TrOCRForCausalLM', trocrDecoder],
  },
};

/** Declares the weights of a `VisionEncoderDecoderModel`. */
export function visionEncoderDecoder(
  config: Config,
  loader: WeightLoader,
): EncoderDecoderDefinition {
  if (headName(config) !== 'Model') config.refuse('architectures');
  const { input: source, stack: encoder } = partOf(config, loader, 'encoder');
  const { input, stack: decoder, ...tokens } = partOf(config, loader, 'decoder');
  const { vocabulary: targetVocabulary, maxPositions, head } = tokens;
  const { embeddings: target } = input;
  if (!(source instanceof ImageInput) || head?.output === undefined || target === undefined) {
    throw new RangeError('an encoder that sees no images, or a decoder that gives no tokens');
  }
  const { output, before } = head;
  const bridge = bridgeOf(config, loader, source.images.positions.size(1), target.tokens.size(1));
  const weights = { target, encoder, decoder, output, before, bridge };
  return { ...tokenTarget({ targetVocabulary, maxPositions }, weights), source };
}

function partOf(
  config: Config,
  loader: WeightLoader,
  name: 'encoder' | 'decoder',
): SequenceDefinition {
  const given = config.section(name);
  const type = given.string('model_type');
  const found = Object.entries(parts[name]).find(([known]) => known === type);
  if (found === undefined) {
    const known = Object.keys(parts[name]).join(', ');
    return given.refuse('model_type', `one of ${known}, as the ${name} of this model`);
  }
  const [, [className, declare]] = found;
  const section = given.with({ architectures: [className] });
  const definition = loader.within(`${name}.`, () => declare(section, loader));
  section.refuseUnread();
  return definition;
}

/** What makes the encoder's vectors as wide as the decoder's, unless its attention takes them as they are. */
function bridgeOf(
  config: Config,
  loader: WeightLoader,
  from: number,
  to: number,
): Linear | undefined {
  const decoder = config.section('decoder');
  const seen = decoder.get('cross_attention_hidden_size');
  if (seen === undefined) {
    return from === to ? undefined : loader.linear('enc_to_dec_proj', to, from);
  }
  if (seen === from) return undefined;
  return decoder.invalid('cross_attention_hidden_size', `${from}, the width of the encoder`);
}
