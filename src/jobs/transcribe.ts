// What is said in the sounds of a shard.

import { fieldOf, TransformerError } from '../runtime/errors.ts';
import type { AudioInput } from '../audio/read-audio.ts';
import { checkFileName } from '../source/source.ts';
import { halves, type Halved } from '../tasks/halves.ts';
import type { Pipelines } from '../tasks/pipeline.ts';
import type { RecognitionOptions } from '../tasks/sound/automatic-speech-recognition.ts';
import type { SpeechText } from '../tasks/sound/speech-text.ts';
import type { DataRecord } from '../training/data/records.ts';
import { checkSeed } from './drawing.ts';
import {
  checkPipeline,
  type ShardPipelineOptions,
  pipelineFields,
  type ShardOptions,
  type ShardResult,
  shardSettings,
} from './options.ts';
import { wrongCell } from './rows.ts';
import { runShard } from './shard.ts';
import type { Column } from './writers.ts';

/** How the sounds of a shard are heard. */
export interface TranscribeShardOptions extends Omit<ShardOptions, 'batchTokens'> {
  /** Options of the pipeline. */
  pipelineOptions?: ShardPipelineOptions<Omit<RecognitionOptions, 'onText' | 'stoppingCriteria'>>;
}

type Recognizer = Halved<RecognitionOptions, AudioInput, Float32Array, SpeechText>;

/**
 * What is said in each row's sound, as the pipeline gives it for the sound alone: a column `text` beside the row's `id`, and
 * `chunks` where times or languages are asked for (in Parquet as JSON). A sound is the name of a WAV file from the shard's
 * folder on, or in Parquet its bytes, alone or as `{ bytes }`. Files are not part of what the output is named after. They
 * are heard one by one, the next one read meanwhile; output, memory and errors are those of `embedShard`.
 * @param input the shard's path or URL
 * @param output a folder, which is made when it is missing
 * @example
 * await transcribeShard(hear, 'calls/part-7.jsonl', 'texts', { modelId: 'owner/name', column: 'file' });
 */
export async function transcribeShard(
  pipeline: Pipelines['automatic-speech-recognition'],
  input: string | URL,
  output: string | URL,
  options: TranscribeShardOptions,
): Promise<ShardResult> {
  checkPipeline(pipeline, ['automatic-speech-recognition']);
  const settings = shardSettings(options, {
    name: 'transcribeShard',
    formats: ['jsonl', 'parquet'],
    column: 'audio',
    more: ['pipelineOptions'],
  });
  const { column, signal } = settings;
  const pipelineOptions: RecognitionOptions = pipelineFields(options.pipelineOptions, {
    onText: 'Read the output.',
  });
  const { returnTimestamps = false, returnLanguage = false, temperature } = pipelineOptions;
  const temperatures = Array.isArray(temperature)
    ? Array.from<unknown>(temperature)
    : [temperature];
  const isHot = temperatures.some((one) => typeof one === 'number' && one > 0);
  checkSeed(isHot ? { doSample: true, ...pipelineOptions } : pipelineOptions, {});
  const hasChunks = returnTimestamps !== false || returnLanguage;
  const columns: readonly Column[] = [
    { name: 'text', kind: 'text' },
    ...(hasChunks ? [{ name: 'chunks', kind: 'json' } as const] : []),
  ];
  return runShard(input, output, settings, {
    halves: (pipeline as unknown as Recognizer)[halves]({
      ...pipelineOptions,
      ...(signal && { signal }),
    }),
    rows: 1,
    inputOf: (row, where) => soundIn(row, column, where, input),
    lengthOf: () => 0,
    tokensOf: () => 0,
    columns,
    cellsOf: ({ text, chunks = [] }) => (hasChunks ? { text, chunks } : { text }),
    pipelineOptions,
  });
}

/** Where a sound is, or its bytes. Errors: FILE_INVALID. */
function soundIn(
  row: DataRecord,
  column: string,
  where: string,
  shard: string | URL,
): string | Uint8Array {
  const value = row[column];
  const bytes = fieldOf(value, 'bytes') ?? value;
  if (bytes instanceof Uint8Array) return bytes;
  if (typeof value !== 'string') {
    throw wrongCell(where, column, value, 'the name of a WAV file, or its bytes');
  }
  try {
    checkFileName(value);
  } catch (cause) {
    const message = cause instanceof TransformerError ? cause.message : String(cause);
    throw new TransformerError('FILE_INVALID', `${where}: ${message}`, { cause });
  }
  const address = String(shard);
  const isAddress = /^[a-z][a-z\d+.-]+:/i.test(address);
  const name = isAddress ? value.split('/').map(encodeURIComponent).join('/') : value;
  return address.replace(/[?#].*$/, isAddress ? '' : '$&').replace(/[^\\/]*$/, '') + name;
}
