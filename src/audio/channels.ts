// What browsers hold sound in.

import type { Platform } from '../runtime/platform-types.ts';
import type { Sound } from './wav.ts';

/** The mean of the channels. */
export function meanOfChannels(buffer: Platform<'AudioBuffer'>): Sound {
  const { numberOfChannels, length, sampleRate } = buffer;
  const channels = Array.from({ length: numberOfChannels }, (_, c) => buffer.getChannelData(c));
  const data = new Float32Array(length);
  for (let i = 0; i < length; i++) {
    let sum = 0;
    for (const channel of channels) sum += channel[i] ?? 0;
    data[i] = sum / numberOfChannels;
  }
  return { data, samplingRate: sampleRate };
}
