// The architectures that can be loaded, by the name that config.json gives them.

import { nearestName, TransformerError } from '../runtime/errors.ts';
import type { Config } from './config.ts';
import { EncoderDecoderModel } from './encoder-decoder.ts';
import type { JsonObject } from './json.ts';
import { bart } from './bart.ts';
import type { EncoderDecoderDefinition } from './definitions.ts';
import { marian } from './marian.ts';
import type { LoadedParts, Model } from './model.ts';
import { t5 } from './t5.ts';
import { torchSeq2Seq } from './torch-seq2seq.ts';
import { TorchTransformerModel } from './torch-transformer-model.ts';
import { torchTransformer } from './torch-transformer.ts';
import type { WeightLoader } from './weights.ts';

/** Builds a model of one architecture: declares its weights, and says how to make it once loaded. */
export type Architecture = (config: Config, loader: WeightLoader) => (parts: LoadedParts) => Model;

function encoderDecoder(
  declare: (config: Config, loader: WeightLoader) => EncoderDecoderDefinition,
): Architecture {
  return (config, loader) => {
    const model = declare(config, loader);
    return (parts) => new EncoderDecoderModel(parts, model);
  };
}

/** By `model_type` of config.json; PyTorch's own modules have `kind` instead. */
const architectures: Readonly<Record<string, Architecture>> = {
  bart: encoderDecoder(bart),
  marian: encoderDecoder(marian),
  t5: encoderDecoder(t5),
  'seq2seq training run': encoderDecoder(torchSeq2Seq),
  'torch.nn.Transformer': (config, loader) => {
    const model = torchTransformer(config, loader);
    return (parts) => new TorchTransformerModel(parts, model);
  },
};

/** The architecture that config.json names. @throws TransformerError MODEL_UNSUPPORTED */
export function architectureOf(config: JsonObject, file: string = 'config.json'): Architecture {
  const name = config['model_type'] ?? config['kind'];
  const architecture =
    typeof name === 'string' && Object.hasOwn(architectures, name)
      ? architectures[name]
      : undefined;
  if (architecture !== undefined) return architecture;
  const known = Object.keys(architectures);
  const nearest = typeof name === 'string' ? nearestName(name, known) : undefined;
  throw new TransformerError(
    'MODEL_UNSUPPORTED',
    `${file} has model_type ${JSON.stringify(name) ?? 'missing'}; ` +
      `this version runs ${known.join(' and ')}.` +
      (nearest === undefined ? '' : ` Did you mean "${nearest}"?`),
  );
}
