// Kinds of families of checkpoints, by what their models are made of. The code of each is loaded with the first
// checkpoint that needs it.

import type { Config } from './config.ts';
import type { EncoderDecoderDefinition, SequenceDefinition } from './definitions.ts';
import { headName } from './heads/head-name.ts';
import type { LoadedParts, Model } from './model.ts';
import type { WeightLoader } from './weights/weights.ts';

/** Declares the weights that a config.json calls for. */
export type Declare<Definition> = (config: Config, loader: WeightLoader) => Definition;

/** Builds a model of one architecture: declares its weights, and says how to make it once loaded. */
export type Architecture = Declare<(parts: LoadedParts) => Model>;

/** What people give a model. */
/** `colours`: images whose pixels have one of few, see families/vision/imagegpt.ts. */
export type Modality = 'text' | 'image' | 'sound' | 'colours';

/** What config.json calls a family of checkpoints, and how its code is loaded. */
export interface Family {
  readonly open: (config: Config) => Promise<Architecture>;
  /** Texts when absent. */
  readonly takes?: readonly Modality[];
  /** Hugging Face's classes; PyTorch's own modules have none. */
  readonly classes?: ClassNames;
}

/** Families by the name that config.json gives them. */
export type Families = Readonly<Record<string, Family>>;

/** The names of a family's classes: `prefix` and one of `ends`. */
export interface ClassNames {
  readonly prefix: string;
  /** The base model last; those of encoders' heads come before, see heads/encoder-heads.ts. */
  readonly ends: readonly string[];
  /** Which of them a checkpoint is that names none, by the first tensor that it has of these. */
  readonly shown: ShownBy;
}

/** Tensors and what they show; or the kind of family whose heads tell. */
export type ShownBy =
  | 'encoder'
  | { readonly kind: 'decoder'; readonly tied: boolean }
  | {
      readonly kind: 'tensors';
      readonly of: Readonly<Record<string, string>>;
      readonly else: string;
    };

/** One stack that sees both ways. `ends`: those of its classes that not all encoders have, and the base model. */
export function encoder(
  prefix: string,
  load: () => Promise<Declare<SequenceDefinition>>,
  ends: readonly string[] = ['Model'],
): Family {
  return { open: () => sequence(load), classes: { prefix, ends, shown: 'encoder' } };
}

/** One stack that generates. `tied`: whether its output layer is the embedding where nothing says. */
export function decoder(
  prefix: string,
  load: () => Promise<Declare<SequenceDefinition>>,
  { tied = false, language = 'ForCausalLM' }: { tied?: boolean; language?: string } = {},
): Family {
  const ends = [language, 'ForSequenceClassification', 'ForTokenClassification', 'Model'];
  return {
    open: () => generating(load),
    classes: { prefix, ends, shown: { kind: 'decoder', tied } },
  };
}

/** An encoder and a decoder. The first of `ends` is that of a checkpoint without the tensors of `shown`. */
export function encoderDecoder(
  prefix: string,
  load: () => Promise<Declare<EncoderDecoderDefinition>>,
  ends: readonly string[],
  shown: Readonly<Record<string, string>> = {},
  takes: readonly Modality[] = ['text'],
): Family {
  return {
    open: () => pair(load),
    takes,
    classes: { prefix, ends, shown: { kind: 'tensors', of: shown, else: ends[0] ?? 'Model' } },
  };
}

/** A family of which the encoder alone is a model, too, by the name of its head. */
export function withEncoderAlone(
  family: Family,
  load: () => Promise<Declare<SequenceDefinition>>,
  head: string,
): Family {
  const open = (config: Config): Promise<Architecture> =>
    headName(config) === head ? sequence(load) : family.open(config);
  return { ...family, open };
}

export async function pair(
  load: () => Promise<Declare<EncoderDecoderDefinition>>,
): Promise<Architecture> {
  const [code, declare] = await Promise.all([import('./encoder-decoder.ts'), load()]);
  return (config, loader) => {
    const model = declare(config, loader);
    return (parts) => new code.EncoderDecoderModel(parts, model);
  };
}

export async function generating(
  load: () => Promise<Declare<SequenceDefinition>>,
): Promise<Architecture> {
  const [code, { generationSettings }, declare] = await Promise.all([
    import('./sequence-model.ts'),
    import('./generation/settings.ts'),
    load(),
  ]);
  return (config, loader) => {
    const definition = declare(config, loader);
    return (parts) => {
      const settings = definition.head?.output
        ? generationSettings(parts, definition.vocabulary)
        : undefined;
      return new code.SequenceModel(parts, definition, settings);
    };
  };
}

export async function sequence(
  load: () => Promise<Declare<SequenceDefinition>>,
): Promise<Architecture> {
  const [code, declare] = await Promise.all([import('./sequence-model.ts'), load()]);
  return (config, loader) => {
    const definition = declare(config, loader);
    return (parts) => new code.SequenceModel(parts, definition);
  };
}
