// A checkpoint with drawn weights, to train a model from scratch: a source like any other.

import { fieldsOf, refuseUnknown, TransformerError } from '../runtime/errors.ts';
import { messageOf, show } from '../runtime/print.ts';
import { elements } from '../runtime/tensor.ts';
import { architectureName, classPrefixes, strict, textFamilies } from '../model/architectures.ts';
import { encoderFamilies } from '../model/encoder-architectures.ts';
import { languageFamilies } from '../model/language-architectures.ts';
import { mediaFamilies } from '../model/media-architectures.ts';
import { Config } from '../model/config.ts';
import type { JsonObject } from '../source/json.ts';
import { Random } from '../model/random.ts';
import type { TensorEntry } from '../source/safetensors.ts';
import { safetensors, type StoredValues } from '../source/safetensors-writer.ts';
import type { Source } from '../source/source.ts';
import { WeightLoader } from '../model/weights/weights.ts';
import { declarations } from './declarations.ts';

/** How a new checkpoint is drawn. */
export interface InitialCheckpointOptions {
  /** Draws the weights; 0 by default. */
  seed?: number;
  /** The content of generation_config.json. */
  generationConfig?: JsonObject;
}

/**
 * A new checkpoint for a config.json, with weights drawn from a seed. Matrices are drawn uniformly
 * (Glorot and Bengio 2010, eq. 16), embeddings from a normal distribution of variance 1/d_model, so
 * that they have variance 1 once they are multiplied by √d_model; those of images with a deviation of
 * 0.02; norms and factors of layers begin as the identity, lengths of weights at 1, biases at 0. Pass it to `loadModel` with `training: true`.
 * @throws TransformerError CONFIG_INVALID, MODEL_UNSUPPORTED, OPTION_INVALID
 */
export function initialCheckpoint(
  config: JsonObject,
  options: InitialCheckpointOptions = {},
): Source {
  refuseUnknown(options, ['seed', 'generationConfig'], 'option of initialCheckpoint');
  const { seed = 0, generationConfig } = options;
  fieldsOf(config, 'The config');
  if (generationConfig !== undefined) fieldsOf(generationConfig, 'generationConfig');
  if (!Number.isSafeInteger(seed)) {
    throw new TransformerError('OPTION_INVALID', `seed is ${show(seed)}; wanted a whole number.`);
  }
  const shapes = tensorShapes(config);
  const random = new Random(seed);
  const tensors = new Map<string, StoredValues>();
  for (const [name, shape] of shapes) {
    tensors.set(name, { shape, data: draw(name, shape, random) });
  }
  tensors.get('logit_scale')?.data.fill(firstScale(config));
  const files = new Map([
    ['config.json', text(config)],
    ['model.safetensors', safetensors(tensors)],
  ]);
  if (generationConfig !== undefined) files.set('generation_config.json', text(generationConfig));
  return {
    name: 'a new checkpoint',
    read: async (file, range) => files.get(file)?.subarray(range?.start, range?.end),
    size: async (file) => files.get(file)?.length,
  };
}

function text(value: JsonObject): Uint8Array {
  try {
    return new TextEncoder().encode(JSON.stringify(value));
  } catch (cause) {
    throw new TransformerError(
      'INPUT_INVALID',
      `A config is ${show(value)}, which is no JSON: ${messageOf(cause)}. Leave out what cannot be written.`,
      { cause },
    );
  }
}

/** The tensors that a config.json calls for, by name. @throws TransformerError CONFIG_INVALID, MODEL_UNSUPPORTED */
export function tensorShapes(config: JsonObject): Map<string, readonly number[]> {
  const shapes = new Map<string, readonly number[]>();
  const find = (name: string, shape: readonly number[]): TensorEntry => {
    const known = shapes.get(name) ?? shape;
    // Without a shape it is only asked whether there is such a tensor.
    if (known.length > 0) shapes.set(name, known);
    return { name, dtype: 'F32', shape: known, file: '', start: 0, end: 4 * elements(known) };
  };
  const loader = new WeightLoader(undefined, { find, isNew: true });
  const families = { ...textFamilies, ...encoderFamilies, ...languageFamilies, ...mediaFamilies };
  const fields = new Config(config, 'config.json', { classPrefixes: classPrefixes(families) });
  const declare = declarations[architectureName(Object.keys(families), fields)];
  if (declare === undefined) throw new RangeError('an architecture without a declaration');
  strict(declare)(fields, loader);
  return shapes;
}

/** The logarithm of what likenesses are scaled by, as Hugging Face's models begin: CLIP, §2.5, has 1 / 0.07. */
function firstScale({ model_type: type, logit_scale_init_value: given }: JsonObject): number {
  if (typeof given === 'number') return given;
  return type === 'clip' ? 2.6592 : 0;
}

function draw(name: string, shape: readonly number[], random: Random): Float32Array<ArrayBuffer> {
  const values = new Float32Array(elements(shape));
  const [rows = 1] = shape;
  const columns = values.length / rows;
  // The norms of the weights of convolutions over time, which lie apart from their directions.
  if (/\.(weight_g|original0)$/.test(name)) return values.fill(1);
  // Tokens and positions of images, for which ViT has no rule of its own.
  if (shape.length === 3) return values.map(() => 0.02 * random.normal());
  // Biases of experts stand below each other.
  if (name.endsWith('_bias')) return values;
  if (shape.length < 2 || rows === 1) return values.fill(/\.(weight|lambda1)$/.test(name) ? 1 : 0);
  if (/embed|shared/.test(name) && shape.length === 2)
    return values.map(() => random.normal() / Math.sqrt(columns));
  const bound = Math.sqrt(6 / (rows + columns));
  return values.map(() => bound * (2 * random.next() - 1));
}
