// What a checkpoint's image processor does, by its file; fields that change the result and are not known are
// refused.

import { Config } from '../model/config.ts';
import type { ImageFilter } from '../shaders/image/filters.ts';
import type { ImageSize } from '../shaders/image/patches.ts';
import { familyProcessors, processorDefaults } from './processor-classes.ts';
import { edges, sizeRule, type SizeRule, yolosSize } from './sizes.ts';
import type { JsonObject } from '../source/json.ts';

/** Red, green and blue. */
export type Colour = readonly [number, number, number];

export interface ImageSettings {
  /** The size that a picture is brought to; its own where it is absent. */
  readonly size?: SizeRule;
  readonly filter: ImageFilter;
  /** The size of the middle that is cut out of that. */
  readonly crop?: ImageSize;
  /** One for grey. */
  readonly channels: 1 | 3;
  /** The colours that pixels get the nearest of, as values, where there are some. */
  readonly clusters?: readonly Colour[];
  /** What each byte becomes, (channels, 256). */
  readonly values: Float32Array<ArrayBuffer>;
}

/** Pillow's filters by their numbers. */
const filters: readonly ImageFilter[] = [
  'nearest',
  'lanczos',
  'bilinear',
  'bicubic',
  'box',
  'hamming',
];

/**
 * Fields that change no result: pictures come here as RGB, results have their channels first, and pictures that go
 * together have one size here, so that none is padded. Old files of BLIP have "size_divisor", which its processor
 * does not know.
 */
const harmless = [
  'processor_class',
  'image_processor_type',
  'feature_extractor_type',
  '_valid_processor_keys',
  'do_convert_rgb',
  'data_format',
  'input_data_format',
  'device',
  'disable_grouping',
  'return_tensors',
  'image_seq_length',
  'do_pad',
  'size_divisor',
];

/** The same of detectors. */
const harmlessOfDetectors = ['pad_and_return_pixel_mask', 'format', 'do_convert_annotations'];

/**
 * The settings of a processor of this class with these fields. Errors: CONFIG_INVALID; MODEL_UNSUPPORTED for fields that
 * are not known.
 */
export function imageSettings(given: Config, name: string): ImageSettings {
  const own = Object.entries(given.fields).filter(([, value]) => value !== null);
  const fields = { ...processorDefaults[name], ...Object.fromEntries(own) };
  const detects = name === 'Detr' || name === 'Yolos';
  const config = new Config(detects ? withLongestEdge(fields) : fields, given.file);
  const toSquare = config.boolean('default_to_square', true);
  const resizes = config.boolean('do_resize', true);
  const crops = config.boolean('do_center_crop', false);
  const filter = filters[config.integer('resample', 2, 0, filters.length - 1)] ?? 'bilinear';
  const mean = config.numbers('image_mean', []);
  const isGrey = mean.length === 1 && Array.isArray(config.get('image_mean'));
  const channels = isGrey ? 1 : 3;
  const settings: ImageSettings = {
    ...(resizes && {
      size: sizeRule(config, 'size', toSquare, name === 'Yolos' ? yolosSize : undefined),
    }),
    filter,
    ...(crops && { crop: edges(config, 'crop_size') }),
    channels,
    ...(config.boolean('do_color_quantize', false) && { clusters: clustersOf(config) }),
    values: valuesOf(config, mean, channels),
  };
  const pads = fields['do_pad'] === true;
  config.refuseOthers([
    ...harmless,
    'size',
    ...(detects ? harmlessOfDetectors : ['crop_size']),
    ...(pads || detects ? [] : ['pad_size']),
  ]);
  return settings;
}

/** Old files of detectors have the shortest edge alone as the size, and the longest beside it. */
function withLongestEdge({ max_size: most = 1333, ...fields }: JsonObject): JsonObject {
  const { size } = fields;
  return typeof size === 'number'
    ? { ...fields, size: { shortest_edge: size, longest_edge: most } }
    : fields;
}

function clustersOf(config: Config): readonly Colour[] {
  const given = config.get('clusters');
  const isColour = (value: unknown): value is Colour =>
    Array.isArray(value) && value.length === 3 && value.every((one) => Number.isFinite(one));
  if (Array.isArray(given) && given.length > 0 && given.every(isColour)) return given;
  return config.invalid('clusters', 'a list of colours, three numbers each');
}

/**
 * The class of a processor without its last word; where its file names none, what checkpoints of this family have,
 * which is asked for then. Errors: MODEL_UNSUPPORTED for classes that are not known.
 */
export async function processorClass(
  config: Config,
  family: () => Promise<unknown>,
): Promise<string> {
  const name =
    config.string('image_processor_type', '') || config.string('feature_extractor_type', '');
  const bare = name.replace(/(ImageProcessor|FeatureExtractor)(Fast|Pil)?$/, '');
  if (Object.hasOwn(processorDefaults, bare)) return bare;
  const usual = name === '' ? familyProcessors[String(await family())] : undefined;
  if (usual !== undefined) return usual;
  const known = Object.keys(processorDefaults).map((each) => `${each}ImageProcessor`);
  return config.refuse('image_processor_type', known.join(', '));
}

/** What each byte becomes in each channel. */
function valuesOf(
  config: Config,
  means: readonly number[],
  channels: number,
): Float32Array<ArrayBuffer> {
  const scale = config.number('rescale_factor', 1 / 255);
  const rescales = config.boolean('do_rescale', true);
  const normalizes = config.boolean('do_normalize', true);
  const deviations = config.numbers('image_std', []);
  for (const [name, list] of Object.entries({ image_mean: means, image_std: deviations })) {
    if (![1, channels].includes(list.length)) config.invalid(name, `${channels} numbers, or one`);
  }
  if (deviations.includes(0)) config.invalid('image_std', 'numbers other than 0');
  const values = new Float32Array(256 * channels);
  for (const at of values.keys()) {
    const channel = Math.floor(at / 256);
    const [mean, deviation] = [means, deviations].map((list) => list[channel] ?? list[0] ?? 0);
    const value = (at % 256) * (rescales ? scale : 1);
    values[at] = normalizes ? (value - (mean ?? 0)) / (deviation ?? 1) : value;
  }
  return values;
}
