// The sound of a visitor's microphone.

import { recordAudio, type SampledSound } from 'webgpu-transformer';

/** Seconds of a piece. */
const piece = 0.25;

/** What browsers call the reasons why there is no sound, and what to do. */
const reasons: Readonly<Record<string, string>> = {
  NotAllowedError:
    'This page may not use the microphone. Allow it in the settings of this page, or choose a sound file.',
  NotFoundError: 'There is no microphone. Connect one, or choose a sound file.',
  NotReadableError:
    'The microphone gives no sound. Another program may use it: close that, or choose a sound file.',
};

/**
 * Sound as it is spoken, until `signal` aborts. The rate is the one asked for where the browser has a choice.
 * @throws Error that says why there is no sound
 */
export async function* speech(
  samplingRate: number,
  signal: AbortSignal,
): AsyncGenerator<SampledSound, void, undefined> {
  const stream = await open();
  try {
    yield* recordAudio(stream, { samplingRate, windowLength: piece, signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    for (const track of stream.getTracks()) track.stop();
  }
}

async function open(): Promise<MediaStream> {
  // Pages without a secure connection have none, whatever the declarations say.
  const { mediaDevices }: { readonly mediaDevices?: MediaDevices } = navigator;
  if (mediaDevices === undefined) {
    throw new Error(
      'This browser offers no microphone here. Open the page by https, or choose a sound file.',
    );
  }
  try {
    return await mediaDevices.getUserMedia({ audio: { channelCount: 1 } });
  } catch (cause) {
    const reason = cause instanceof DOMException ? reasons[cause.name] : undefined;
    throw new Error(reason ?? `There is no sound of a microphone: ${String(cause)}`, { cause });
  }
}
