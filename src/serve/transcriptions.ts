// POST /v1/audio/transcriptions and /v1/audio/translations

import { readAudio } from '../audio/read-audio.ts';
import type { RecognitionOptions } from '../tasks/sound/automatic-speech-recognition.ts';
import type { SpeechChunk, SpeechText } from '../tasks/sound/speech-text.ts';
import { subtitles } from '../tasks/sound/subtitles.ts';
import { wrongField } from './api-error.ts';
import { formBody } from './body.ts';
import type { Call } from './call.ts';
import { Fields } from './fields.ts';
import type { Served } from './models.ts';

const known = [
  'model',
  'file',
  'language',
  'prompt',
  'response_format',
  'temperature',
  'timestamp_granularities',
  'stream',
];

const formats = ['json', 'text', 'verbose_json', 'srt', 'vtt'] as const;

type Listener = Served<'automatic-speech-recognition'>['pipeline'];

/** What was heard: as text, in stretches, and in words, where these are asked for. */
interface Heard {
  readonly text: SpeechText;
  readonly words: SpeechText | undefined;
  /** Seconds of the sound. */
  readonly duration: number;
}

/** Writes down what is said in a file; `translate` gives English. */
export async function transcribe(call: Call, task: 'transcribe' | 'translate'): Promise<Response> {
  const form = await formBody(call.request, call.limits.bodyBytes);
  const fields = new Fields(valuesOf(form), known);
  const { id, pipeline } = call.models.named(fields, 'automatic-speech-recognition');
  call.notes.model = id;
  call.notes.prompt = fields.get('prompt');
  const format = fields.choice('response_format', formats) ?? 'json';
  fields.only('stream', [false, 'false'], 'what is heard comes whole. Leave it out.');
  const file = fields.required('file', fields.get('file'));
  if (!(file instanceof Blob))
    throw wrongField('file', 'file is no file; send one as a part of the form.');
  const stretches = granularities(fields, format);
  const options = recognitionOptions(fields, pipeline, task);
  const heard = await call.queue.run(call.client, call.signal, () =>
    hear(call, pipeline, file, { ...options, signal: call.signal }, format, stretches),
  );
  return answer(heard, format, task, stretches);
}

/** The fields of a form, whose names of lists end in brackets. */
function valuesOf(form: FormData): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const key of new Set(form.keys())) {
    const name = key.replace(/\[\]$/, '');
    const all = form.getAll(key);
    values[name] = name === key ? all.at(-1) : all;
  }
  const { temperature } = values;
  if (typeof temperature === 'string' && temperature.trim() !== '') {
    values['temperature'] = Number(temperature);
  }
  return values;
}

type Granularity = 'segment' | 'word';

function granularities(fields: Fields, format: string): readonly Granularity[] {
  const given = fields.get('timestamp_granularities');
  if (given === undefined) return ['segment'];
  const all = [given].flat();
  const isKnown = (one: unknown): one is Granularity => one === 'segment' || one === 'word';
  if (format !== 'verbose_json') {
    throw wrongField('timestamp_granularities', 'Times are for response_format verbose_json.');
  }
  if (all.every(isKnown)) return all;
  throw fields.wrong('timestamp_granularities', 'segment or word');
}

function recognitionOptions(
  fields: Fields,
  { tokenizer }: Listener,
  task: 'transcribe' | 'translate',
): RecognitionOptions {
  const language = fields.text('language');
  const temperature = fields.number('temperature', 0, 1) ?? 0;
  const prompt = fields.text('prompt')?.trim() ?? '';
  const encode = (text: string): number[] =>
    tokenizer.encode(text, undefined, { addSpecialTokens: false });
  const mark = prompt === '' ? [] : encode('<|startofprev|>');
  if (mark.length > 1)
    throw wrongField('prompt', 'This model goes on from no text. Leave prompt out.');
  return {
    ...(language !== undefined && language !== '' && { language }),
    ...(task === 'translate' && { task }),
    ...(temperature > 0 && { doSample: true, temperature }),
    ...(prompt !== '' && { promptIds: [...mark, ...encode(` ${prompt}`)] }),
  };
}

async function hear(
  call: Call,
  pipeline: Listener,
  file: Blob,
  options: RecognitionOptions,
  format: (typeof formats)[number],
  stretches: readonly Granularity[],
): Promise<Heard> {
  const { samplingRate } = pipeline.featureExtractor;
  const { gpu } = pipeline.model;
  const samples = await readAudio(file, { samplingRate, gpu, signal: call.signal });
  const isTimed = format !== 'json' && format !== 'text';
  const asWords = { ...options, returnTimestamps: 'word' as const };
  const words = stretches.includes('word') ? await pipeline(samples, asWords) : undefined;
  const inStretches = isTimed && stretches.includes('segment');
  const text =
    words !== undefined && !inStretches
      ? words
      : await pipeline(samples, {
          ...options,
          ...(isTimed && { returnTimestamps: true }),
          ...(format === 'verbose_json' && { returnLanguage: true }),
        });
  return { text, words, duration: samples.length / samplingRate };
}

function answer(
  { text, words, duration }: Heard,
  format: (typeof formats)[number],
  task: 'transcribe' | 'translate',
  stretches: readonly Granularity[],
): Response {
  const { chunks = [] } = text;
  const said = text.text.trim();
  if (format === 'json') return Response.json({ text: said });
  if (format === 'text') return textResponse(`${said}\n`, 'text/plain');
  if (format === 'srt') return textResponse(subtitles(chunks, 'srt'), 'application/x-subrip');
  if (format === 'vtt') return textResponse(subtitles(chunks, 'vtt'), 'text/vtt');
  return Response.json({
    task,
    language: chunks.find(({ language }) => language !== undefined)?.language ?? '',
    duration,
    text: said,
    ...(stretches.includes('segment') && { segments: chunks.map(segment) }),
    ...(words !== undefined && { words: words.chunks?.map(word) ?? [] }),
  });
}

function textResponse(text: string, type: string): Response {
  return new Response(text, { headers: { 'content-type': `${type}; charset=utf-8` } });
}

function times({ timestamp: [start, end] = [0, null] }: SpeechChunk): {
  start: number;
  end: number;
} {
  return { start: start ?? 0, end: end ?? start ?? 0 };
}

function segment(chunk: SpeechChunk, id: number): object {
  return { id, ...times(chunk), text: chunk.text };
}

function word(chunk: SpeechChunk): object {
  return { word: chunk.text.trim(), ...times(chunk) };
}
