// BERT and RoBERTa as decoders of what an encoder sees ("Leveraging Pre-trained Checkpoints for Sequence Generation
// Tasks", Rothe et al., 2019, arXiv 1907.12461, §2): tokens see what stands before them, and attend to the encoder's
// vectors; the head that tells masked words tells the next one.

import type { Config } from '../config.ts';
import type { SequenceDefinition } from '../definitions.ts';
import type { HeadParts } from '../heads/encoder-heads.ts';
import type { Head } from '../heads/head.ts';
import { LanguageHead } from '../heads/language-head.ts';
import { maskedLayers } from '../heads/masked-head.ts';
import type { WeightLoader } from '../weights/weights.ts';
import { bertNames } from './bert.ts';
import { bertModel } from './bert-layers.ts';
import { robertaNames } from './roberta.ts';

function decoderHead(parts: HeadParts): Head {
  const { before, output } = maskedLayers(parts);
  return new LanguageHead(output, before);
}

/** Declares the weights of a `BertLMHeadModel`. `seenSize`: the width of what it attends to; its own when absent. */
export function bertDecoder(
  config: Config,
  loader: WeightLoader,
  seenSize?: number,
): SequenceDefinition {
  return bertModel(config, loader, {
    root: 'bert.',
    head: 'CausalLM',
    names: bertNames,
    decoderHead,
    ...(seenSize !== undefined && { seenSize }),
  });
}

/** Declares the weights of a `RobertaForCausalLM`. */
export function robertaDecoder(config: Config, loader: WeightLoader): SequenceDefinition {
  return bertModel(config, loader, {
    root: 'roberta.',
    head: 'CausalLM',
    names: robertaNames,
    firstPosition: config.integer('pad_token_id', 1, 0) + 1,
    decoderHead,
  });
}
