// How tasks on sounds are tried with wrong arguments, apart from any device.

import { generationValues } from '../../src/model/generation/read-options.ts';
import { EncodedInput } from '../../src/model/speech/encoded-input.ts';
import type { Hearing } from '../../src/model/speech/hearing.ts';
import { speechTokens } from '../../src/model/speech/speech-options.ts';
import { transcribe } from '../../src/model/speech/transcribe.ts';
import { throwIfAborted } from '../../src/runtime/errors.ts';
import { audioClassification } from '../../src/tasks/sound/audio-classification.ts';
import { automaticSpeechRecognition } from '../../src/tasks/sound/automatic-speech-recognition.ts';
import type { CtcParts } from '../../src/tasks/sound/ctc-recognition.ts';
import { memorySource } from './source.ts';
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

const [vocabulary, maxPositions] = [50, 40];
const files = { decoder_start_token_id: 1, eos_token_id: 2, no_timestamps_token_id: 5 };

/** Checks options as models that hear do, and ends every text at once. */
const hearing = {
  bins: 1,
  frames: 2,
  tokens: speechTokens(files, {}, vocabulary),
  file: {},
  vocabulary,
  maxPositions,
  medianWidth: 7,
  encode: ({ shape: [rows = 0] }) =>
    Promise.resolve({ data: new Float32Array(rows), shape: [rows, 1, 1] }),
  sourceOf: (inputsEmbeds) => new EncodedInput().check({ inputsEmbeds }),
  logits: () => Promise.resolve({ data: new Float32Array(vocabulary), shape: [1, 1, vocabulary] }),
  crossAttentions: () => Promise.resolve([]),
  generation: {
    transcribe: ({ prompt, options }) => {
      const { tokens } = prompt;
      const sizes = { vocabulary, maxPositions, statedPositions: maxPositions };
      generationValues(options, {}, { ...sizes, prompt: tokens.length });
      throwIfAborted(options.signal);
      return Promise.resolve({ sequences: tokens.rows.map((row) => [...row, 2]) });
    },
  },
} satisfies Hearing;

const speechParts: CtcParts = {
  model: {
    ...soundParts.model,
    maxPositions,
    generate: (inputs, options) => transcribe(hearing, inputs, options),
  },
  tokenizer: { decode: () => '', decodeCertain: () => '', tokens: () => [] },
  featureExtractor: {
    samplingRate: 4,
    windowLength: 8,
    features: () =>
      Promise.resolve({ inputFeatures: { data: new Float32Array(2), shape: [1, 1, 2] } }),
  },
};

const whisper = new TextEncoder().encode('{}');
const recognition = await automaticSpeechRecognition(
  memorySource({ 'config.json': whisper }),
  undefined,
);

const sound = (): object => ({ data: Float32Array.of(1, 0.5), samplingRate: 4 });

export const soundWays: Readonly<Record<string, Way>> = {
  'automatic-speech-recognition': {
    call: recognition(speechParts),
    right: [() => [sound(), {}], () => [[sound()], {}]],
    // One token stands for a list of it; what is called while generating is not called here.
    takes: {
      '1.suppressTokens': ['zero'],
      '1.beginSuppressTokens': ['zero'],
      '1.promptIds': ['zero'],
      '1.stoppingCriteria': ['function'],
    },
  },
  'audio-classification': {
    call: audioClassification(soundParts),
    right: [() => [sound(), {}], () => [[sound()], {}]],
  },
};
