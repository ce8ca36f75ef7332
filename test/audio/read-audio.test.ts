// Sound from what people have of it, and what is no sound.
import { expect, test } from 'vitest';
import { type AudioInput, readAudio, type ReadAudioOptions } from 'webgpu-transformer';
import { sharedGpu } from '../support/gpu.ts';
import { expectRejection } from '../support/rejection.ts';
import { flacFile, pcm16, wavFile } from '../support/wav.ts';

const onGpu = sharedGpu();
const numbers = [0, 0.5, -0.5, -1, 0.25];
const file = wavFile(pcm16(numbers));
const rate = { samplingRate: 16_000 };

/** What a page has of sound, in no page. */
const buffer = {
  numberOfChannels: 2,
  length: 3,
  sampleRate: 16_000,
  getChannelData: (channel: number) => Float32Array.of(channel, 0.5, 1),
} as unknown as AudioInput;

test('files, bytes, addresses and samples', async () => {
  const address = `data:audio/wav;base64,${btoa(String.fromCharCode(...file))}`;
  const inputs: readonly AudioInput[] = [
    file,
    file.buffer,
    new Blob([file]),
    new File([file], 'sound.wav'),
    address,
    new URL(address),
    URL.createObjectURL(new Blob([file])),
    Float32Array.from(numbers),
    { data: Float32Array.from(numbers), samplingRate: 16_000 },
  ];
  for (const input of inputs) expect([...(await readAudio(input, rate))]).toEqual(numbers);
  expect([...(await readAudio(buffer, rate))]).toEqual([0.5, 0.5, 1]);
  const own = Float32Array.from(numbers);
  const read = await readAudio(own, rate);
  read[0] = 9;
  expect(own[0]).toBe(0);
});

test('another rate, on a device that is given and on one of its own', () =>
  onGpu(async (gpu) => {
    const sound = { data: new Float32Array(800).fill(0.5), samplingRate: 8000 };
    for (const options of [{ ...rate, gpu }, rate]) {
      const samples = await readAudio(sound, options);
      expect(samples).toHaveLength(1600);
      expect(Math.abs(samples[800]! - 0.5)).toBeLessThan(5e-3);
    }
    const stopped = readAudio(sound, { ...rate, gpu, signal: AbortSignal.abort() });
    await expectRejection(stopped, 'ABORTED', 'aborted');
  }));

test('what is no sound is refused', async () => {
  const refused = (
    input: unknown,
    code: 'FILE_INVALID' | 'INPUT_INVALID' | 'FILE_TRUNCATED',
    ...parts: string[]
  ): Promise<void> => expectRejection(readAudio(input as AudioInput, rate), code, ...parts);
  await refused(new Blob([]), 'FILE_INVALID', 'empty');
  await refused(new TextEncoder().encode('no sound at all'), 'FILE_INVALID', 'unknown format');
  await refused(new File([file.slice(0, 50)], 'cut.wav'), 'FILE_TRUNCATED', 'cut.wav');
  await refused(wavFile(new Uint8Array(0)), 'INPUT_INVALID', 'empty');
  await refused(Float32Array.of(0, NaN), 'INPUT_INVALID', 'Sample 1');
  await refused({ data: numbers, samplingRate: 8000 }, 'INPUT_INVALID', 'Float32Array');
  const data = Float32Array.of(0);
  await refused({ data }, 'INPUT_INVALID', 'samplingRate is missing');
  await refused({ data, samplingRate: 0 }, 'INPUT_INVALID', 'samplingRate is 0');
  await refused({ data, samplingRate: 1e9 }, 'INPUT_INVALID', 'samplingRate', '768000');
  await refused(undefined, 'INPUT_INVALID', 'missing');
  await refused({}, 'INPUT_INVALID', '{} is no sound');
  const wrong = readAudio(data, {} as ReadAudioOptions);
  await expectRejection(wrong, 'OPTION_INVALID', 'samplingRate is missing');
});

test('other formats are decoded where the platform does, and else are refused by name', async () => {
  const samples = Array.from({ length: 400 }, (_, i) => Math.sin(i / 9) / 2);
  const flac = flacFile(samples, 16_000);
  if (typeof OfflineAudioContext === 'undefined') {
    await expectRejection(
      readAudio(new File([flac], 'a.flac'), rate),
      'FILE_INVALID',
      'a.flac is FLAC',
      'ffmpeg',
      '16000',
    );
    return;
  }
  const decoded = await readAudio(flac, rate);
  expect(decoded).toHaveLength(400);
  samples.forEach((sample, i) => expect(Math.abs(decoded[i]! - sample)).toBeLessThan(1e-4));
  await expectRejection(readAudio(flac.slice(0, 20), rate), 'FILE_INVALID', 'cannot decode');
});
