// The architectures that can be loaded, by the name that config.json gives them.

import { nearestName, TransformerError } from '../runtime/errors.ts';
import type { Config } from './config.ts';
import { EncoderDecoderModel } from './encoder-decoder.ts';
import type { JsonObject } from './json.ts';
import { bart } from './bart.ts';
import { bert } from './bert.ts';
import { headName } from './bert-layers.ts';
import type { EncoderDecoderDefinition, SequenceDefinition } from './definitions.ts';
import { distilbert } from './distilbert.ts';
import { gemma2, gemma3 } from './gemma.ts';
import { gpt2 } from './gpt2.ts';
import { llama } from './llama.ts';
import { mistral } from './mistral.ts';
import { qwen2, qwen3 } from './qwen.ts';
import { roberta } from './roberta.ts';
import { SequenceModel } from './sequence-model.ts';
import { marian } from './marian.ts';
import type { LoadedParts, Model } from './model.ts';
import { t5, t5Encoder } from './t5.ts';
import { torchSeq2Seq } from './torch-seq2seq.ts';
import { TorchTransformerModel } from './torch-transformer-model.ts';
import { torchTransformer } from './torch-transformer.ts';
import type { WeightLoader } from './weights.ts';

/** Declares the weights of an architecture, and says how to make the model once they are loaded. */
export type Architecture = (config: Config, loader: WeightLoader) => (parts: LoadedParts) => Model;

function encoderDecoder(
  declare: (config: Config, loader: WeightLoader) => EncoderDecoderDefinition,
): Architecture {
  return (config, loader) => {
    const model = declare(config, loader);
    return (parts) => new EncoderDecoderModel(parts, model);
  };
}

function sequence(
  declare: (config: Config, loader: WeightLoader) => SequenceDefinition,
): Architecture {
  return (config, loader) => {
    const definition = declare(config, loader);
    return (parts) => new SequenceModel(parts, definition);
  };
}

/** By `model_type` of config.json; PyTorch's own modules have `kind` instead. */
const architectures: Readonly<Record<string, Architecture>> = {
  bart: encoderDecoder(bart),
  bert: sequence(bert),
  distilbert: sequence(distilbert),
  gemma2: sequence(gemma2),
  gemma3_text: sequence(gemma3),
  gpt2: sequence(gpt2),
  llama: sequence(llama),
  marian: encoderDecoder(marian),
  mistral: sequence(mistral),
  qwen2: sequence(qwen2),
  qwen3: sequence(qwen3),
  roberta: sequence(roberta),
  t5: (config, loader) =>
    (headName(config) === 'EncoderModel' ? sequence(t5Encoder) : encoderDecoder(t5))(
      config,
      loader,
    ),
  'xlm-roberta': sequence(roberta),
  'seq2seq training run': encoderDecoder(torchSeq2Seq),
  'torch.nn.Transformer': (config, loader) => {
    const model = torchTransformer(config, loader);
    return (parts) => new TorchTransformerModel(parts, model);
  },
};

/** The same, refusing settings that it does not know. They may also explain why a weight is missing. */
function strict(architecture: Architecture): Architecture {
  return (config, loader) => {
    try {
      const make = architecture(config, loader);
      config.refuseUnread();
      return make;
    } catch (error) {
      if (error instanceof TransformerError && error.code.startsWith('TENSOR_')) {
        config.refuseUnread();
      }
      throw error;
    }
  };
}

/** The architecture that config.json names. @throws TransformerError MODEL_UNSUPPORTED */
export function architectureOf(config: JsonObject, file: string = 'config.json'): Architecture {
  const name = config['model_type'] ?? config['kind'];
  const architecture =
    typeof name === 'string' && Object.hasOwn(architectures, name)
      ? architectures[name]
      : undefined;
  if (architecture !== undefined) return strict(architecture);
  const known = Object.keys(architectures);
  const nearest = typeof name === 'string' ? nearestName(name, known) : undefined;
  throw new TransformerError(
    'MODEL_UNSUPPORTED',
    `${file} has model_type ${JSON.stringify(name) ?? 'missing'}; ` +
      `this version runs ${known.join(' and ')}.` +
      (nearest === undefined ? '' : ` Did you mean "${nearest}"?`),
  );
}
