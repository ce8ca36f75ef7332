// Pictures drawn pixel by pixel ("Generative Pretraining from Pixels", Chen et al., 2020, §3): whole, or on from the
// upper half of one.

import type { ImageProcessor } from '../../images/image-processor.ts';
import type { RawImage } from '../../images/pixels.ts';
import { type ImageInput, readImage } from '../../images/read-image.ts';
import type { GenerateOptions } from '../../model/generation/options.ts';
import type { Model } from '../../model/model.ts';
import { refuseUnknown, TransformerError } from '../../runtime/errors.ts';

/** How colours are drawn, as in `generate`; they are drawn at random unless `doSample` is false. */
export interface DrawingOptions extends Pick<
  GenerateOptions,
  'doSample' | 'seed' | 'signal' | 'temperature' | 'topK' | 'topP'
> {
  /** A picture whose upper half is kept. */
  from?: ImageInput;
}

/** A picture of red, green and blue. */
export interface UnconditionalImageGeneration {
  (options?: DrawingOptions): Promise<RawImage>;
}

interface Parts {
  readonly model: Pick<Model, 'config' | 'gpu'> & {
    generate(
      inputs: { inputIds: number[][] },
      options?: GenerateOptions,
    ): Promise<{ sequences: number[][] }>;
  };
  readonly imageProcessor: Pick<ImageProcessor, 'clusters' | 'nearestColours' | 'sizeOf'>;
}

const known = ['doSample', 'from', 'seed', 'signal', 'temperature', 'topK', 'topP'];

export function unconditionalImageGeneration(parts: Parts): UnconditionalImageGeneration {
  const { model, imageProcessor } = parts;
  return async (options = {}) => {
    refuseUnknown(options, known, 'option of unconditional-image-generation');
    const { from, ...how } = options;
    const { clusters } = imageProcessor;
    // The token that images begin with is the last one; all others are colours.
    const start = Number(model.config['vocab_size']) - 1;
    if (clusters.length < start) {
      throw new TransformerError(
        'MODEL_UNSUPPORTED',
        `preprocessor_config.json has ${clusters.length} "clusters"; this model draws ${start} colours. Load a ` +
          'checkpoint that has them.',
      );
    }
    const [height, width] = imageProcessor.sizeOf([1, 1]);
    const begun: number[] = [];
    if (from !== undefined) {
      const picture = await readImage(model.gpu, from, how.signal);
      const [colours = []] = await imageProcessor.nearestColours(model.gpu, [picture], how.signal);
      begun.push(...colours.slice(0, Math.floor(height / 2) * width));
    }
    const { sequences } = await model.generate(
      { inputIds: [[start, ...begun]] },
      { doSample: true, ...how, maxNewTokens: height * width - begun.length },
    );
    const colours = sequences[0]?.slice(1) ?? [];
    const bytes = colours.flatMap((id) => clusters[id] ?? []).map((value) => 127.5 * (value + 1));
    return { data: Uint8ClampedArray.from(bytes), width, height, channels: 3 };
  };
}
