// The architectures that can be loaded, by the name that config.json gives them: those of texts that most pages load. Other
// encoders stand in encoder-architectures.ts, other models that write texts in language-architectures.ts, what sees or
// hears in media-architectures.ts, each of which comes with the first of its own; what families have in common that are
// made of the same parts stands in family.ts.

import { nearestName, TransformerError } from '../runtime/errors.ts';
import { show } from '../runtime/print.ts';
import { isObject, type JsonObject } from '../source/json.ts';
import { Config } from './config.ts';
import {
  type Architecture,
  type ClassNames,
  type Declare,
  decoder,
  encoder,
  encoderDecoder,
  type Families,
  type Family,
  type Modality,
  pair,
} from './family.ts';
import { checkQuantized } from './weights/quantization-fields.ts';

/** Those of texts that most pages load, by `model_type` of config.json; PyTorch's own modules have `kind` instead. */
export const textFamilies: Families = {
  bert: encoder('Bert', async () => (await import('./families/encoders/bert.ts')).bert),
  gpt2: decoder('GPT2', async () => (await import('./families/decoders/gpt2.ts')).gpt2, {
    tied: true,
    language: 'LMHeadModel',
  }),
  llama: decoder('Llama', async () => (await import('./families/decoders/llama.ts')).llama),
  marian: encoderDecoder(
    'Marian',
    async () => (await import('./families/pairs/marian.ts')).marian,
    ['MTModel', 'Model'],
  ),
  qwen2: decoder('Qwen2', async () => (await import('./families/decoders/qwen.ts')).qwen2),
  qwen3: decoder('Qwen3', async () => (await import('./families/decoders/qwen.ts')).qwen3),
  'seq2seq training run': {
    open: () => pair(async () => (await import('./families/pairs/torch-seq2seq.ts')).torchSeq2Seq),
  },
  'torch.nn.Transformer': {
    open: async () => {
      const [{ TorchTransformerModel }, { torchTransformer }] = await Promise.all([
        import('./torch-transformer-model.ts'),
        import('./families/pairs/torch-transformer.ts'),
      ]);
      return (config, loader) => {
        const model = torchTransformer(config, loader);
        return (parts) => new TorchTransformerModel(parts, model);
      };
    },
  },
};

/** The tables of further families of texts. */
const furtherTexts: readonly (() => Promise<Families>)[] = [
  async () => (await import('./encoder-architectures.ts')).encoderFamilies,
  async () => (await import('./language-architectures.ts')).languageFamilies,
];

/** All families. */
async function allFamilies(): Promise<Families> {
  const [{ mediaFamilies }, ...further] = await Promise.all([
    import('./media-architectures.ts'),
    ...furtherTexts.map((load) => load()),
  ]);
  return Object.assign({}, textFamilies, ...further, mediaFamilies) as Families;
}

/** The families among which that of a config.json is: those of one table of texts, or all. */
export async function familiesFor({ model_type: type, kind }: JsonObject): Promise<Families> {
  const name = type ?? kind;
  const isIn = (families: Families): boolean =>
    typeof name === 'string' && Object.hasOwn(families, name);
  if (isIn(textFamilies)) return textFamilies;
  // Neither table says what the other has: both are loaded at once.
  const further = await Promise.all(furtherTexts.map((load) => load()));
  return further.find(isIn) ?? allFamilies();
}

/** What `model_type`, or `kind`, may be. */
export async function architectureNames(): Promise<string[]> {
  return Object.keys(await allFamilies());
}

/** What a checkpoint with this config.json takes; nothing where it names no family, or one of PyTorch's own modules. */
export async function modalitiesOf(config: JsonObject): Promise<readonly Modality[]> {
  const families = await familiesFor(config);
  const { model_type: name } = config;
  const isKnown = typeof name === 'string' && Object.hasOwn(families, name);
  const family = isKnown ? families[name] : undefined;
  return family?.classes === undefined ? [] : (family.takes ?? ['text']);
}

/** What the names of their classes begin with. */
export function classPrefixes(families: Families): string[] {
  return Object.values(families).flatMap(({ classes }) => classes?.prefix ?? []);
}

/** The classes of a family; undefined where it has none. */
export function classesOf(families: Families, config: Config): ClassNames | undefined {
  return familyOf(families, config).classes;
}

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
export async function architectureOf(families: Families, config: Config): Promise<Architecture> {
  const family = familyOf(families, config);
  config.texts('architectures');
  await checkQuantized(config);
  return strict(await family.open(config));
}

/** Loads the code that a checkpoint with these fields is made of; none where they name no family. */
export async function codeFor(fields: JsonObject): Promise<void> {
  const families = await familiesFor(fields);
  const { model_type: name } = fields;
  if (typeof name !== 'string' || !Object.hasOwn(families, name)) return;
  await families[name]?.open(new Config(fields, 'config.json'));
}

function familyOf(families: Families, config: Config): Family {
  const family = families[architectureName(Object.keys(families), config)];
  if (family === undefined) throw new RangeError('an architecture without a family');
  return family;
}

/** The name that config.json has, of those that are known. @throws TransformerError MODEL_UNSUPPORTED */
export function architectureName(known: readonly string[], config: Config): string {
  const name = config.get('model_type') ?? config.get('kind');
  const found = known.find((each) => each === name);
  if (found !== undefined) return found;
  const nearest = typeof name === 'string' ? nearestName(name, known) : undefined;
  const backbone = backboneOf(config.fields);
  throw new TransformerError(
    'MODEL_UNSUPPORTED',
    `${config.file} has model_type ${name === undefined ? 'missing' : show(name)}; ` +
      `this version runs ${known.join(' and ')}.` +
      (nearest === undefined ? '' : ` Did you mean "${nearest}"?`) +
      (backbone === undefined ? '' : ` Its backbone, ${show(backbone)}, is no Transformer here.`),
  );
}

/** What makes the features of images for a model, where that is another one. */
function backboneOf({ backbone, backbone_config: other }: JsonObject): unknown {
  return (isObject(other) ? other['model_type'] : undefined) ?? backbone ?? undefined;
}
