// The architectures that can be loaded, by the name that config.json gives them. The code of each is
// loaded with the first checkpoint that needs it.

import { nearestName, TransformerError } from '../runtime/errors.ts';
import type { Config } from './config.ts';
import type { EncoderDecoderDefinition, SequenceDefinition } from './definitions.ts';
import { headName } from './heads/head-name.ts';
import type { LoadedParts, Model } from './model.ts';
import { refuseQuantized } from './weights/quantization-fields.ts';
import type { WeightLoader } from './weights/weights.ts';

/** Declares the weights that a config.json calls for. */
export type Declare<Definition> = (config: Config, loader: WeightLoader) => Definition;

/** Builds a model of one architecture: declares its weights, and says how to make it once loaded. */
export type Architecture = Declare<(parts: LoadedParts) => Model>;

/** `model_type` of config.json; PyTorch's own modules have `kind` instead. */
export type ArchitectureName =
  | 'bart'
  | 'bert'
  | 'distilbert'
  | 'gemma2'
  | 'gemma3_text'
  | 'gpt2'
  | 'llama'
  | 'marian'
  | 'mistral'
  | 'qwen2'
  | 'qwen3'
  | 'roberta'
  | 't5'
  | 'xlm-roberta'
  | 'seq2seq training run'
  | 'torch.nn.Transformer';

async function encoderDecoder(
  load: () => Promise<Declare<EncoderDecoderDefinition>>,
): Promise<Architecture> {
  const [code, declare] = await Promise.all([import('./encoder-decoder.ts'), load()]);
  return (config, loader) => {
    const model = declare(config, loader);
    return (parts) => new code.EncoderDecoderModel(parts, model);
  };
}

/** One stack that may generate: a decoder. */
async function decoder(load: () => Promise<Declare<SequenceDefinition>>): Promise<Architecture> {
  const [code, { generationSettings }, declare] = await Promise.all([
    import('./sequence-model.ts'),
    import('./generation/generation-file.ts'),
    load(),
  ]);
  return (config, loader) => {
    const definition = declare(config, loader);
    return (parts) => {
      const generates = definition.head?.kind === 'language';
      const settings = generates ? generationSettings(parts, definition.vocabulary) : undefined;
      return new code.SequenceModel(parts, definition, settings);
    };
  };
}

async function sequence(load: () => Promise<Declare<SequenceDefinition>>): Promise<Architecture> {
  const [code, declare] = await Promise.all([import('./sequence-model.ts'), load()]);
  return (config, loader) => {
    const definition = declare(config, loader);
    return (parts) => new code.SequenceModel(parts, definition);
  };
}

const architectures: Readonly<Record<ArchitectureName, (config: Config) => Promise<Architecture>>> =
  {
    bart: () => encoderDecoder(async () => (await import('./families/bart.ts')).bart),
    bert: () => sequence(async () => (await import('./families/bert.ts')).bert),
    distilbert: () => sequence(async () => (await import('./families/distilbert.ts')).distilbert),
    gemma2: () => decoder(async () => (await import('./families/gemma.ts')).gemma2),
    gemma3_text: () => decoder(async () => (await import('./families/gemma.ts')).gemma3),
    gpt2: () => decoder(async () => (await import('./families/gpt2.ts')).gpt2),
    llama: () => decoder(async () => (await import('./families/llama.ts')).llama),
    marian: () => encoderDecoder(async () => (await import('./families/marian.ts')).marian),
    mistral: () => decoder(async () => (await import('./families/mistral.ts')).mistral),
    qwen2: () => decoder(async () => (await import('./families/qwen.ts')).qwen2),
    qwen3: () => decoder(async () => (await import('./families/qwen.ts')).qwen3),
    roberta: () => sequence(async () => (await import('./families/roberta.ts')).roberta),
    t5: (config) =>
      headName(config) === 'EncoderModel'
        ? sequence(async () => (await import('./families/t5.ts')).t5Encoder)
        : encoderDecoder(async () => (await import('./families/t5.ts')).t5),
    'xlm-roberta': () => sequence(async () => (await import('./families/roberta.ts')).roberta),
    'seq2seq training run': () =>
      encoderDecoder(async () => (await import('./families/torch-seq2seq.ts')).torchSeq2Seq),
    'torch.nn.Transformer': async () => {
      const [{ TorchTransformerModel }, { torchTransformer }] = await Promise.all([
        import('./torch-transformer-model.ts'),
        import('./families/torch-transformer.ts'),
      ]);
      return (config, loader) => {
        const model = torchTransformer(config, loader);
        return (parts) => new TorchTransformerModel(parts, model);
      };
    },
  };

/** The same, refusing settings that it does not know. They may also explain why a weight is missing. */
export function strict<Definition>(declare: Declare<Definition>): Declare<Definition> {
  return (config, loader) => {
    try {
      const definition = declare(config, loader);
      config.refuseUnread();
      return definition;
    } catch (error) {
      if (error instanceof TransformerError && error.code.startsWith('TENSOR_')) {
        config.refuseUnread();
      }
      throw error;
    }
  };
}

/** Loads the architecture that config.json names. @throws TransformerError MODEL_UNSUPPORTED */
export async function architectureOf(config: Config): Promise<Architecture> {
  const name = architectureName(config);
  await refuseQuantized(config.fields, config.file);
  return strict(await architectures[name](config));
}

/** The name that config.json has. @throws TransformerError MODEL_UNSUPPORTED */
export function architectureName(config: Config): ArchitectureName {
  const name = config.get('model_type') ?? config.get('kind');
  const known = Object.keys(architectures) as ArchitectureName[];
  const found = known.find((each) => each === name);
  if (found !== undefined) return found;
  const nearest = typeof name === 'string' ? nearestName(name, known) : undefined;
  throw new TransformerError(
    'MODEL_UNSUPPORTED',
    `${config.file} has model_type ${JSON.stringify(name) ?? 'missing'}; ` +
      `this version runs ${known.join(' and ')}.` +
      (nearest === undefined ? '' : ` Did you mean "${nearest}"?`),
  );
}
