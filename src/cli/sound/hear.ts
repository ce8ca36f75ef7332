// webgpu-transformer hear: what is said in sounds.

import type { RecognitionOptions, SpeechText } from '../../index.node.ts';
import type { Command } from '../command.ts';
import { interruptible } from '../interruption.ts';
import { openPipeline } from '../load.ts';
import {
  dtypeOption,
  flagOption,
  readOptions,
  sourceAndTexts,
  taskOptions,
  textOption,
  UsageError,
} from '../options.ts';
import { subtitles } from '../../tasks/sound/subtitles.ts';
import { textGroups } from '../texts.ts';

const options = {
  language: textOption('NAME', 'the language that is spoken, fr or french (what is heard)'),
  translate: flagOption('write it in English'),
  timestamps: flagOption('a line for each stretch of speech, behind its seconds'),
  words: flagOption('the same for each word'),
  srt: flagOption('subtitles, as SubRip has them'),
  vtt: flagOption('subtitles, as WebVTT has them'),
  ...taskOptions,
};

export const hear: Command = {
  form: 'hear SOURCE FILE…',
  summary: 'what is said in sounds, as text or subtitles',
  details:
    'SOURCE is a folder, a URL or hf:owner/name@revision, FILE the path or the URL of a WAV file of any rate. ' +
    'Without files, lines of stdin name them.',
  options,
  examples: [
    { call: 'hear DIR speech.wav' },
    { call: 'hear DIR speech.wav --timestamps --language fr' },
    { call: 'hear DIR speech.wav --translate --srt > speech.srt' },
  ],
  run,
};

async function run(args: readonly string[]): Promise<void> {
  const { values, positionals } = readOptions(args, options);
  const { source, texts: files } = sourceAndTexts(positionals, hear.form);
  const { json, srt, vtt, words, timestamps, language, translate, adapter, quiet } = values;
  if ([json, srt, vtt].filter(Boolean).length > 1) {
    throw new UsageError('--json, --srt and --vtt are three ways to print the same. Choose one.');
  }
  const isTimed = timestamps || srt || vtt;
  const settings: RecognitionOptions = {
    ...(language !== undefined && { language }),
    ...(translate && { task: 'translate' }),
    ...(isTimed && { returnTimestamps: true }),
    ...(words && { returnTimestamps: 'word' }),
  };
  const dtype = dtypeOption(values.dtype);
  await interruptible(async (signal) => {
    using listen = await openPipeline('automatic-speech-recognition', source, {
      dtype,
      signal,
      adapter,
      quiet,
    });
    for await (const group of textGroups(files, signal)) {
      for (const file of group) {
        const heard = await listen(file, { ...settings, signal });
        const lines =
          srt || vtt ? subtitles(heard.chunks ?? [], srt ? 'srt' : 'vtt') : linesOf(heard);
        console.log(json ? JSON.stringify({ file, ...heard }) : lines);
      }
    }
  });
}

/** The text, or its chunks behind their seconds. */
function linesOf({ text, chunks }: SpeechText): string {
  if (chunks === undefined) return text.trim();
  const seconds = (time: number | null): string => time?.toFixed(2) ?? '';
  return chunks
    .map(({ timestamp: [start, end] = [null, null], text: own }) =>
      [seconds(start), seconds(end), own.trim()].join('\t'),
    )
    .join('\n');
}
