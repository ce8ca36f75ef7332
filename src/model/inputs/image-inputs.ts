// A stack that begins with the patches of images ("An Image is Worth 16x16 Words", Dosovitskiy et al., 2020, arXiv
// 2010.11929, §3.1).

import { TransformerError } from '../../runtime/errors.ts';
import { show } from '../../runtime/print.ts';
import type { Plan } from '../../runtime/plan.ts';
import type { Recording } from '../../runtime/record.ts';
import { type ImageSize, patchGrid } from '../../shaders/image/patches.ts';
import { embedImages, type ImageEmbeddings } from '../layers/image-embeddings.ts';
import type { ModelInputs } from '../model.ts';
import { below, repeated } from './dense-rows.ts';
import type { CheckedInput, InputShape, RecordedInput, SourceStage } from './input-stage.ts';
import { type DenseTensor, denseTensor, padRows } from './inputs.ts';
import { stretchedGrid } from './stretched-grid.ts';

interface CheckedImages extends CheckedInput {
  /** (B, channels, height, width) */
  readonly pixels: DenseTensor;
  readonly size: ImageSize;
}

export class ImageInput implements SourceStage {
  readonly takes = ['pixelValues', 'interpolatePosEncoding'] as const;
  readonly images: ImageEmbeddings;

  constructor(images: ImageEmbeddings) {
    this.images = images;
  }

  check({ pixelValues, interpolatePosEncoding: stretches = false }: ModelInputs): CheckedImages {
    const { channels, size: usual, patch, anySize } = this.images;
    const pixels = denseTensor('pixelValues', pixelValues, 4);
    const [, own = 0, height = 0, width = 0] = pixels.shape;
    if (typeof stretches !== 'boolean') {
      throw invalid(`interpolatePosEncoding is ${show(stretches)}; wanted true or false.`);
    }
    if (own !== channels) {
      throw invalid(`pixelValues has ${own} channels; this model takes ${channels}.`);
    }
    const size = [height, width] as const;
    if (!stretches && !anySize && size.join() !== usual.join()) {
      throw invalid(
        `pixelValues has images of ${height} × ${width}; this model takes ${usual.join(' × ')}. Resize them, ` +
          'or pass interpolatePosEncoding: true.',
      );
    }
    const [down, across] = patchGrid(size, patch);
    if (down * across === 0) {
      throw invalid(
        `pixelValues has images of ${height} × ${width}, smaller than a patch of ${patch.join(' × ')}.`,
      );
    }
    return this.#checked(pixels);
  }

  join(batches: readonly CheckedImages[]): CheckedImages {
    const sizes = new Set(batches.map(({ size }) => size.join(' × ')));
    if (sizes.size <= 1) return this.#checked(below(batches.map(({ pixels }) => pixels)));
    throw invalid(
      `Calls that go together have images of ${[...sizes].join(' and ')}. Make them one size, or call one after the other.`,
    );
  }

  inputsOf({ pixels }: CheckedImages, copies: number): ModelInputs {
    return { pixelValues: repeated(pixels, copies), interpolatePosEncoding: true };
  }

  usual(): InputShape {
    const { size } = this.images;
    return { batch: 1, length: this.#lengthOf(size), size };
  }

  record(recording: Recording, { batch, length, size }: InputShape): RecordedInput {
    const { channels, positions, placed, behind, filters, size: usual, patch } = this.images;
    const [height, width] = size ?? usual;
    const pixels = recording.persistent('pixelValues', [batch, channels, height, width]);
    const mask = recording.persistent('attentionMask', [batch, length], 'u32');
    const from = patchGrid(usual, patch);
    const to = patchGrid([height, width], patch);
    const isStretched = from.join() !== to.join();
    const stretch = isStretched
      ? recording.persistent('stretched positions', [
          placed + to[0] * to[1] + behind,
          positions.size(0),
        ])
      : undefined;
    let isNew = true;
    return {
      ...embedImages(recording.tap('pixels', pixels), this.images, stretch),
      mask,
      write(plan: Plan, checked: CheckedImages): void {
        plan.write(pixels, new Float32Array(checked.pixels.data));
        plan.write(mask, padRows(checked.mask, length));
        // Sizes alone decide it: once for all plays of the list.
        if (stretch && isNew)
          plan.write(stretch, stretchedGrid(from, to, filters, [placed, behind]));
        isNew = false;
      },
    };
  }

  /** Vectors of an image. */
  #lengthOf(size: ImageSize): number {
    const { patch, around } = this.images;
    const [down, across] = patchGrid(size, patch);
    return (around?.size(0) ?? 0) + down * across;
  }

  #checked(pixels: DenseTensor): CheckedImages {
    const [batch = 0, , height = 0, width = 0] = pixels.shape;
    const size = [height, width] as const;
    const length = this.#lengthOf(size);
    const rows = Array.from({ length: batch }, () => Array<number>(length).fill(1));
    return { batch, length, size, mask: { batch, length, rows }, pixels };
  }
}

function invalid(message: string): TransformerError {
  return new TransformerError('INPUT_INVALID', message);
}
