// node subtitles.js speech.wav > speech.srt; with --vtt, WebVTT.
import { parseArgs } from 'node:util';
import { pipeline, TransformerError } from 'webgpu-transformer';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: 'string', default: 'hf:openai/whisper-tiny' },
    language: { type: 'string' },
    vtt: { type: 'boolean', default: false },
  },
});
const [file] = positionals;
if (file === undefined) {
  console.error('Usage: node subtitles.js FILE.wav [--vtt] [--language fr] [--model NAME]');
  process.exit(2);
}

let hear;
try {
  hear = await pipeline('automatic-speech-recognition', values.model, { onProgress: showProgress });
  const { chunks } = await hear(file, {
    returnTimestamps: true,
    onText: () => process.stderr.write('.'),
    ...(values.language && { language: values.language }),
  });
  process.stderr.write('\n');
  process.stdout.write(subtitles(chunks));
} catch (error) {
  if (!(error instanceof TransformerError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
} finally {
  hear?.dispose();
}

/** A file of subtitles. The last stretch may have no end: it stays for two seconds. */
function subtitles(chunks) {
  const cues = chunks.map(({ timestamp: [start, end], text }, index) => {
    const times = `${clock(start)} --> ${clock(end ?? start + 2)}`;
    return [...(values.vtt ? [] : [index + 1]), times, text.trim(), ''].join('\n');
  });
  return [...(values.vtt ? ['WEBVTT\n'] : []), ...cues].join('\n') + '\n';
}

/** 00:01:02,345; with a point in WebVTT. */
function clock(seconds) {
  const time = new Date(Math.round(seconds * 1000)).toISOString().slice(11, 23);
  return values.vtt ? time : time.replace('.', ',');
}

function showProgress({ overall: { loaded, total } }) {
  const end = loaded < total ? '' : '\n';
  process.stderr.write(`\rLoading: ${Math.round((100 * loaded) / total)} %${end}`);
}
