// Texts with their times as subtitles: SubRip and WebVTT.

import type { SpeechChunk } from './speech-text.ts';

/** A file of subtitles. A chunk without an end lasts until the next one begins, or for two seconds. */
export function subtitles(chunks: readonly SpeechChunk[], format: 'srt' | 'vtt'): string {
  const cues = chunks.map(({ timestamp: [start, end] = [null, null], text }, index) => {
    const from = start ?? 0;
    const to = end ?? chunks[index + 1]?.timestamp?.[0] ?? from + 2;
    const times = [from, to].map((seconds) => timeOf(seconds, format)).join(' --> ');
    return [...(format === 'srt' ? [index + 1] : []), times, text.trim(), ''].join('\n');
  });
  return [...(format === 'vtt' ? ['WEBVTT\n'] : []), ...cues].join('\n');
}

/** Hours, minutes, seconds and thousandths. */
function timeOf(seconds: number, format: 'srt' | 'vtt'): string {
  const all = Math.round(seconds * 1000);
  const part = (size: number, count: number, digits = 2): string =>
    String(Math.floor(all / size) % count).padStart(digits, '0');
  const clock = [part(3_600_000, 1000), part(60_000, 60), part(1000, 60)].join(':');
  return `${clock}${format === 'srt' ? ',' : '.'}${part(1, 1000, 3)}`;
}
