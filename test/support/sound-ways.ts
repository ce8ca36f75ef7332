// How tasks on sounds are tried with wrong arguments, apart from any device.

import { audioClassification } from '../../src/tasks/audio-classification.ts';
import type { Way } from './wrong-arguments.ts';

type Parts = Parameters<typeof audioClassification>[0];

/** A model that gives every sound the same results; samples at its rate need no device. */
const soundParts: Parts = {
  model: {
    config: {},
    gpu: undefined as unknown as Parts['model']['gpu'],
    forward: () => Promise.resolve({ logits: { data: new Float32Array(2), shape: [1, 2] } }),
  },
  featureExtractor: {
    samplingRate: 4,
    features: () => Promise.resolve({}),
  },
};

const sound = (): object => ({ data: Float32Array.of(1, 0.5), samplingRate: 4 });

export const soundWays: Readonly<Record<string, Way>> = {
  'audio-classification': {
    call: audioClassification(soundParts),
    right: [() => [sound(), {}], () => [[sound()], {}]],
  },
};
