// Sound as it comes, from a microphone say.

import { hasMethod, refuseUnknown, throwIfAborted, TransformerError } from '../runtime/errors.ts';
import type { Platform } from '../runtime/platform-types.ts';
import { show } from '../runtime/print.ts';
import { HIGHEST_RATE, type SampledSound } from './read-audio.ts';

/** How a stream is recorded. */
export interface RecordAudioOptions {
  /** Samples a second that are asked for; the browser's own rate when absent, or where it has no choice. */
  samplingRate?: number;
  /** Seconds of a piece. Default 1. */
  windowLength?: number;
  /** Ends the recording, which then rejects with `ABORTED`. */
  signal?: AbortSignal;
}

/** Samples that the browser hands over at once. */
const BLOCK = 4096;

/** Seconds of a piece at most: they lie in memory. */
const LONGEST = 3600;

/**
 * Records a stream, of a microphone say, in pieces that follow each other without a gap: one channel, the mean of
 * all, at the rate that each says. It ends with the stream, and when it is left; the last piece may be shorter. For
 * browsers. Errors: INPUT_INVALID for what is no stream with sound, OPTION_*, ABORTED.
 * @example
 * const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
 * for await (const sound of recordAudio(stream, { windowLength: 5 })) await hear(sound);
 */
export async function* recordAudio(
  stream: Platform<'MediaStream'>,
  options: RecordAudioOptions = {},
): AsyncGenerator<SampledSound, void, undefined> {
  refuseUnknown(options, ['samplingRate', 'windowLength', 'signal'], 'option of recordAudio');
  const { samplingRate, windowLength = 1, signal } = options;
  if (samplingRate !== undefined) checkWithin('samplingRate', samplingRate, HIGHEST_RATE);
  checkWithin('windowLength', windowLength, LONGEST);
  throwIfAborted(signal);
  const track = trackOf(stream);
  const { context, source } = openStream(stream, samplingRate);
  const pieces = new Pieces(Math.max(1, Math.round(windowLength * context.sampleRate)));
  // An AudioWorklet would need a file of its own, which bundles and content security policies stand in the way of.
  const node = context.createScriptProcessor(BLOCK, 1, 1);
  const end = (): void => pieces.end();
  node.addEventListener('audioprocess', ({ inputBuffer }) => {
    pieces.add(inputBuffer.getChannelData(0));
  });
  track.addEventListener('ended', end);
  signal?.addEventListener('abort', end);
  source.connect(node).connect(context.destination);
  try {
    await context.resume();
    for (;;) {
      const data = await pieces.next();
      throwIfAborted(signal);
      if (data === undefined) return;
      yield { data, samplingRate: context.sampleRate };
    }
  } finally {
    track.removeEventListener('ended', end);
    signal?.removeEventListener('abort', end);
    await context.close();
  }
}

function checkWithin(name: string, value: unknown, most: number): void {
  if (typeof value === 'number' && value > 0 && value <= most) return;
  throw new TransformerError(
    'OPTION_INVALID',
    `${name} is ${show(value)}; wanted a number above 0, ${most} at most.`,
  );
}

function trackOf(stream: MediaStream): MediaStreamTrack {
  const tracks: unknown = hasMethod(stream, 'getAudioTracks') ? stream.getAudioTracks() : [];
  const [track] = Array.isArray(tracks) ? (tracks as MediaStreamTrack[]) : [];
  if (track !== undefined && typeof AudioContext !== 'undefined') return track;
  throw new TransformerError(
    'INPUT_INVALID',
    'This is no MediaStream with sound. Pass what getUserMedia({ audio: true }) gives in a browser.',
  );
}

/** Some browsers take a stream at its own rate alone. */
function openStream(
  stream: MediaStream,
  sampleRate: number | undefined,
): { context: AudioContext; source: MediaStreamAudioSourceNode } {
  if (sampleRate !== undefined) {
    try {
      const context = new AudioContext({ sampleRate });
      return { context, source: context.createMediaStreamSource(stream) };
    } catch {
      // The rate of each piece says what it is instead.
    }
  }
  const context = new AudioContext();
  return { context, source: context.createMediaStreamSource(stream) };
}

/** Samples that come in blocks and leave in pieces of one length. */
class Pieces {
  readonly #length: number;
  readonly #whole: Float32Array<ArrayBuffer>[] = [];
  #piece: Float32Array<ArrayBuffer>;
  #filled = 0;
  #ended = false;
  #wake: () => void = () => {};

  constructor(length: number) {
    this.#length = length;
    this.#piece = new Float32Array(length);
  }

  add(block: Float32Array): void {
    for (let at = 0; at < block.length;) {
      const part = block.subarray(at, at + this.#length - this.#filled);
      this.#piece.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled < this.#length) continue;
      this.#whole.push(this.#piece);
      this.#piece = new Float32Array(this.#length);
      this.#filled = 0;
    }
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** The next piece; the rest once it has ended, then undefined. */
  async next(): Promise<Float32Array<ArrayBuffer> | undefined> {
    while (this.#whole.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    const piece = this.#whole.shift();
    if (piece !== undefined || this.#filled === 0) return piece;
    const rest = this.#piece.slice(0, this.#filled);
    this.#filled = 0;
    return rest;
  }
}
