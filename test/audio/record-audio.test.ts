// Sound as a stream brings it, in pieces without gaps. Node has no streams of sound, and says so.
import { expect, test } from 'vitest';
import { recordAudio, type SampledSound } from 'webgpu-transformer';
import { expectRejection } from '../support/rejection.ts';

const refuse = (stream: unknown, ...parts: string[]): Promise<void> =>
  expectRejection(recordAudio(stream as MediaStream).next(), 'INPUT_INVALID', ...parts);
const isBrowser = typeof AudioContext !== 'undefined';

/** A tone, and what ends it. */
function tone(hertz: number): { stream: MediaStream; end: () => void; context: AudioContext } {
  const context = new AudioContext();
  const oscillator = new OscillatorNode(context, { frequency: hertz });
  const destination = context.createMediaStreamDestination();
  oscillator.connect(destination);
  oscillator.start();
  const { stream } = destination;
  const end = (): void => {
    for (const track of stream.getAudioTracks()) {
      track.stop();
      track.dispatchEvent(new Event('ended'));
    }
  };
  return { stream, end, context };
}

/** Times a second that the sound passes zero upwards. */
function crossings({ data, samplingRate }: SampledSound): number {
  const count = data.filter((value, i) => value >= 0 && (data[i - 1] ?? 0) < 0).length;
  return (count * samplingRate) / data.length;
}

test('a stream is recorded in pieces, until it ends', async () => {
  if (!isBrowser) return refuse({ getAudioTracks: () => [{}] }, 'in a browser');
  const { stream, end, context } = tone(440);
  const sounds: SampledSound[] = [];
  for await (const sound of recordAudio(stream, { samplingRate: 16_000, windowLength: 0.25 })) {
    sounds.push(sound);
    if (sounds.length === 4) end();
  }
  await context.close();
  expect(sounds.length).toBeGreaterThanOrEqual(4);
  for (const { data, samplingRate } of sounds.slice(0, 4)) {
    expect(data).toHaveLength(samplingRate / 4);
  }
  // The first piece may begin before the tone does, and a busy machine lets a stream stutter.
  for (const sound of sounds.slice(1, 4)) {
    expect(Math.abs(crossings(sound) - 440)).toBeLessThan(44);
  }
});

test('whoever leaves it, or a signal, ends it', async () => {
  if (!isBrowser) return refuse({ getAudioTracks: () => [] }, 'in a browser');
  const { stream, context } = tone(300);
  for await (const { data } of recordAudio(stream, { windowLength: 0.1 })) {
    expect(data.length).toBeGreaterThan(800);
    break;
  }
  const controller = new AbortController();
  const recording = recordAudio(stream, { windowLength: 60, signal: controller.signal });
  setTimeout(() => controller.abort(), 50);
  await expectRejection(recording.next(), 'ABORTED');
  await context.close();
});

test('what is no stream is refused', async () => {
  await refuse(undefined, 'MediaStream');
  await refuse({}, 'getUserMedia');
  const options = { windowLength: 0 };
  await expectRejection(
    recordAudio({} as MediaStream, options).next(),
    'OPTION_INVALID',
    'windowLength is 0',
  );
});
