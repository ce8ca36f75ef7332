// Labels of the texts of a shard.

import { halves, type Halved } from '../tasks/halves.ts';
import type { LabelScore } from '../tasks/label-scores.ts';
import type { Pipelines } from '../tasks/pipeline.ts';
import type { TextClassificationOptions, TextPair } from '../tasks/text/text-classification.ts';
import type { Encoding } from '../tokenizer/template.ts';
import {
  checkPipeline,
  type ShardPipelineOptions,
  pipelineFields,
  type ShardOptions,
  type ShardResult,
  shardSettings,
  type TooLong,
} from './options.ts';
import { textIn } from './rows.ts';
import { checkNumbers, runShard } from './shard.ts';
import { checkOptions } from '../tasks/task.ts';
import type { Column } from './writers.ts';

/** How the texts of a shard are classified. */
export interface ClassifyShardOptions extends ShardOptions, TooLong {
  /** The column of a second text that goes with each, such as a hypothesis. */
  pairColumn?: string;
  /** Options of the pipeline. */
  pipelineOptions?: ShardPipelineOptions<TextClassificationOptions>;
}

type Classifier = Halved<TextClassificationOptions, TextPair, Encoding, LabelScore[]>;

/**
 * The label of each row of a shard, as the pipeline gives it for the text alone: columns `label` and `score` beside the
 * row's `id`; with `topK` the lists `labels` and `scores`. Output, memory and errors are those of `embedShard`.
 * @param input the shard's path or URL
 * @param output a folder, which is made when it is missing
 * @example
 * await classifyShard(classify, 'texts/part-7.csv', 'labels', { modelId: 'owner/name', column: 'review' });
 */
export async function classifyShard(
  pipeline: Pipelines['text-classification'],
  input: string | URL,
  output: string | URL,
  options: ClassifyShardOptions,
): Promise<ShardResult> {
  checkPipeline(pipeline, ['text-classification']);
  const settings = shardSettings(options, {
    name: 'classifyShard',
    formats: ['jsonl', 'parquet'],
    column: 'text',
    more: ['tooLong', 'pairColumn', 'pipelineOptions'],
  });
  const { column, signal, truncates } = settings;
  const { pairColumn } = options;
  checkOptions('classifyShard', { pairColumn }, { pairColumn: 'text' });
  const pipelineOptions: TextClassificationOptions = pipelineFields(options.pipelineOptions, {
    truncation: "Pass tooLong: 'truncate'.",
  });
  const isList = pipelineOptions.topK !== undefined;
  const until = { truncation: truncates, ...(signal && { signal }) };
  return runShard(input, output, settings, {
    halves: (pipeline as unknown as Classifier)[halves]({ ...pipelineOptions, ...until }),
    inputOf: (row, where) => {
      const text = textIn(row, column, where);
      return pairColumn === undefined
        ? { text }
        : { text, textPair: textIn(row, pairColumn, where) };
    },
    lengthOf: ({ text, textPair = '' }) => text.length + textPair.length,
    tokensOf: ({ ids }) => ids.length,
    columns: isList ? listColumns : bestColumns,
    cellsOf: (found, where) => {
      const scores = found.map(({ score }) => score);
      checkNumbers(scores, where);
      const labels = found.map(({ label }) => label);
      return isList ? { labels, scores } : { label: labels[0], score: scores[0] };
    },
    pipelineOptions: { ...pipelineOptions, pairColumn },
  });
}

const bestColumns: readonly Column[] = [
  { name: 'label', kind: 'text' },
  { name: 'score', kind: 'number' },
];
const listColumns: readonly Column[] = [
  { name: 'labels', kind: 'texts' },
  { name: 'scores', kind: 'numbers' },
];
