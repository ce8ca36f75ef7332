// What classes of image processors of Hugging Face take where a file says nothing.

/** Fields as preprocessor_config.json has them. */
export type ProcessorDefaults = Readonly<Record<string, unknown>>;

const half = [0.5, 0.5, 0.5];
const clipMean = [0.481_454_66, 0.457_827_5, 0.408_210_73];
const clipStd = [0.268_629_54, 0.261_302_58, 0.275_777_11];

const square = (side: number): object => ({ height: side, width: side });

const vit: ProcessorDefaults = {
  resample: 2,
  image_mean: half,
  image_std: half,
  size: square(224),
};
const clip: ProcessorDefaults = {
  resample: 3,
  image_mean: clipMean,
  image_std: clipStd,
  size: { shortest_edge: 224 },
  default_to_square: false,
  do_center_crop: true,
  crop_size: square(224),
};

const detector: ProcessorDefaults = {
  resample: 2,
  image_mean: [0.485, 0.456, 0.406],
  image_std: [0.229, 0.224, 0.225],
  size: { shortest_edge: 800, longest_edge: 1333 },
  default_to_square: false,
};

/** By the name of the class without its last word, "ImageProcessor". */
export const processorDefaults: Readonly<Record<string, ProcessorDefaults>> = {
  Beit: { ...vit, resample: 3, crop_size: square(224) },
  Bit: clip,
  Blip: { ...vit, resample: 3, image_mean: clipMean, image_std: clipStd, size: square(384) },
  CLIP: clip,
  Detr: detector,
  DeiT: { ...vit, resample: 3, size: square(256), do_center_crop: true, crop_size: square(224) },
  ImageGPT: { ...vit, size: square(256), do_color_quantize: true },
  Siglip: { ...vit, resample: 3, default_to_square: false },
  ViT: vit,
  Yolos: detector,
};

/** The class of a family's checkpoints whose files name none, by `model_type`. */
export const familyProcessors: Readonly<Record<string, string>> = {
  blip: 'Blip',
  clip: 'CLIP',
  clip_vision_model: 'CLIP',
  deit: 'DeiT',
  dinov2: 'Bit',
  dinov2_with_registers: 'Bit',
  imagegpt: 'ImageGPT',
  siglip: 'Siglip',
  siglip_vision_model: 'Siglip',
  trocr: 'ViT',
  vit: 'ViT',
  yolos: 'Yolos',
};
