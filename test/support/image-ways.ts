// How tasks on images are tried with wrong arguments, apart from any device.

import { imageClassification } from '../../src/tasks/image/image-classification.ts';
import { imageFeatureExtraction } from '../../src/tasks/image/image-feature-extraction.ts';
import { unconditionalImageGeneration } from '../../src/tasks/image/unconditional-image-generation.ts';
import { generationValues } from '../../src/model/generation/read-options.ts';
import { throwIfAborted } from '../../src/runtime/errors.ts';
import { objectDetection } from '../../src/tasks/image/object-detection.ts';
import type { ImageTaskParts } from '../../src/tasks/task.ts';
import type { Way } from './wrong-arguments.ts';

/** A model that gives every image the same results; pixels need no device. */
export const imageParts: ImageTaskParts = {
  model: {
    config: {},
    gpu: {} as ImageTaskParts['model']['gpu'],
    forward: ({ pixelValues: { shape } }) => {
      const [images = 1] = shape;
      const data = new Float32Array(images * 2);
      return Promise.resolve({
        logits: { data, shape: [images, 2] },
        poolerOutput: { data, shape: [images, 2] },
        predBoxes: { data: new Float32Array(images * 4), shape: [images, 1, 4] },
        lastHiddenState: { data, shape: [images, 1, 2] },
      });
    },
  },
  imageProcessor: {
    sizeOf: () => [1, 1],
    pixelValues: (_, { length }) =>
      Promise.resolve({ data: new Float32Array(length), shape: [length, 1, 1, 1] }),
  },
};

/** A picture of two pixels. */
export const image = (): object => ({ data: new Uint8Array(2), width: 2, height: 1, channels: 1 });

const images: Way['right'] = [() => [image(), {}], () => [[image()], {}]];

export const imageWays: Readonly<Record<string, Way>> = {
  'image-classification': { call: imageClassification(imageParts), right: images },
  'unconditional-image-generation': {
    call: unconditionalImageGeneration({
      model: {
        config: { vocab_size: 2 },
        gpu: imageParts.model.gpu,
        generate: (_, options = {}) => {
          throwIfAborted(options.signal);
          generationValues(
            options,
            {},
            {
              vocabulary: 1,
              maxPositions: 4,
              statedPositions: 4,
              prompt: 1,
            },
          );
          return Promise.resolve({ sequences: [[1, 0]] });
        },
      },
      imageProcessor: {
        ...imageParts.imageProcessor,
        clusters: [[0, 0, 0]],
        nearestColours: () => Promise.resolve([[0]]),
      },
    }),
    right: [() => [{}], () => [{ from: image() }]],
  },
  'object-detection': { call: objectDetection(imageParts), right: images },
  'image-feature-extraction': { call: imageFeatureExtraction(imageParts), right: images },
};
