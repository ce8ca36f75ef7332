// Files of sound as samples: WAVE everywhere, other formats where the platform decodes them.

import { TransformerError } from '../runtime/errors.ts';
import { messageOf } from '../runtime/print.ts';
import { meanOfChannels } from './channels.ts';
import { isWav, readWav, type Sound } from './wav.ts';

/**
 * The mean of a file's channels. What the platform decodes comes at `samplingRate` where it can. `name`: the file's,
 * for messages. Errors: FILE_INVALID, FILE_TRUNCATED.
 */
export async function decodeSound(
  bytes: Uint8Array,
  name: string,
  samplingRate: number,
): Promise<Sound> {
  if (isWav(bytes)) return readWav(bytes, name);
  if (bytes.length === 0) {
    throw new TransformerError('FILE_INVALID', `${name} is empty. Choose a file with sound.`);
  }
  if (typeof OfflineAudioContext === 'undefined') {
    throw new TransformerError(
      'FILE_INVALID',
      `${name} is ${formatOf(bytes)} and no WAV file, the one format that is decoded here. Convert it, ` +
        `ffmpeg -i FILE -ac 1 -ar ${samplingRate} FILE.wav, or pass { data, samplingRate }.`,
    );
  }
  // Rates that every browser has.
  const sampleRate = Math.min(96_000, Math.max(8000, samplingRate));
  const context = new OfflineAudioContext({ numberOfChannels: 1, length: 1, sampleRate });
  try {
    // What is decoded is taken away from its owner.
    return meanOfChannels(await context.decodeAudioData(new Uint8Array(bytes).buffer));
  } catch (cause) {
    throw new TransformerError(
      'FILE_INVALID',
      `${name} is ${formatOf(bytes)}, which this browser cannot decode: ${messageOf(cause)}. Convert it to WAV.`,
      { cause },
    );
  }
}

/** What formats begin with, as characters of 8 bits. */
const beginnings: readonly (readonly [RegExp, string])[] = [
  [/^(ID3|\xff[\xe2-\xff])/, 'MP3'],
  [/^OggS/, 'Ogg'],
  [/^fLaC/, 'FLAC'],
  [/^.{4}ftyp/s, 'MP4 (M4A)'],
  [/^.E\xdf\xa3/s, 'WebM'],
  [/^FORM.{4}AIF/s, 'AIFF'],
];

function formatOf(bytes: Uint8Array): string {
  const start = String.fromCharCode(...bytes.subarray(0, 12));
  return beginnings.find(([pattern]) => pattern.test(start))?.[1] ?? 'of an unknown format';
}
