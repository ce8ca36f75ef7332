// Texts of a shard as vectors.

import { TransformerError } from '../runtime/errors.ts';
import { show } from '../runtime/print.ts';
import { halves, type Halved } from '../tasks/halves.ts';
import type { Pipelines } from '../tasks/pipeline.ts';
import type { EmbeddingOptions } from '../tasks/text/embeddings.ts';
import type { FeatureExtractionOptions } from '../tasks/text/feature-extraction.ts';
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

/** How the texts of a shard become vectors. */
export interface EmbedShardOptions extends Omit<ShardOptions, 'format'>, TooLong {
  /**
   * How vectors are written; `jsonl` when absent. `safetensors` holds one tensor `embedding`, (rows, width), in f32, whose
   * row i is that of the shard, and no ids.
   */
  format?: 'jsonl' | 'parquet' | 'safetensors';
  /** Options of the pipeline; of `feature-extraction` the mean is taken where `pooling` is absent. */
  pipelineOptions?:
    | ShardPipelineOptions<EmbeddingOptions>
    | ShardPipelineOptions<FeatureExtractionOptions>;
}

type Embedder = Halved<EmbeddingOptions & FeatureExtractionOptions, string, Encoding, Float32Array>;

/**
 * One vector for each row of a shard, as the pipeline gives it for the text alone: a column `embedding` beside the row's
 * `id`, in the order of the rows. The output is written as a whole or not at all, into a folder, under a name that follows
 * from the shard's name and content, the model and the options, so that a call may be repeated.
 *
 * Memory: rows and vectors of two windows, and two batches, however long the shard is; of Parquet also the file's bytes and
 * one group of rows, of JSON all of it.
 * @param input the shard's path or URL: JSONL, CSV, TSV, a text a line, a JSON list or Parquet
 * @param output a folder, which is made when it is missing
 * @throws TransformerError FILE_INVALID naming row or line, FILE_NOT_FOUND, FILE_UNREADABLE, FILE_UNWRITABLE for a full
 *   disk, and for an output that is there without `resume`; INPUT_INVALID for texts too long for the model, naming the row;
 *   VALIDATION_FAILED for vectors that are no numbers; OPTION_*, MODEL_UNSUPPORTED without `hyparquet-writer`, ABORTED, and
 *   those of the model
 * @example
 * const embed = await pipeline('embeddings', 'hf:owner/name');
 * await embedShard(embed, 'texts/part-7.jsonl', 'vectors', { modelId: 'owner/name', resume: true });
 */
export async function embedShard(
  pipeline: Pipelines['embeddings'] | Pipelines['feature-extraction'],
  input: string | URL,
  output: string | URL,
  options: EmbedShardOptions,
): Promise<ShardResult> {
  checkPipeline(pipeline, ['embeddings', 'feature-extraction']);
  const settings = shardSettings(options, {
    name: 'embedShard',
    formats: ['jsonl', 'parquet', 'safetensors'],
    column: 'text',
    more: ['tooLong', 'pipelineOptions'],
  });
  const { column, id, format, signal, truncates } = settings;
  if (format === 'safetensors' && id !== undefined) {
    throw new TransformerError(
      'OPTION_INVALID',
      `id is ${show(id)}; safetensors holds no ids. Leave it out, or pass format: 'parquet' or 'jsonl'.`,
    );
  }
  const fields: FeatureExtractionOptions = pipelineFields(options.pipelineOptions, {
    truncation: "Pass tooLong: 'truncate'.",
  });
  const isPooled = pipeline.task === 'feature-extraction';
  if (isPooled && fields.pooling === 'none') {
    throw new TransformerError(
      'OPTION_INVALID',
      "pipelineOptions.pooling is 'none'; wanted mean, cls or last: a shard has one vector a row.",
    );
  }
  const pipelineOptions = { ...(isPooled && { pooling: 'mean' as const }), ...fields };
  const until = { truncation: truncates, ...(signal && { signal }) };
  return runShard(input, output, settings, {
    halves: (pipeline as unknown as Embedder)[halves]({ ...pipelineOptions, ...until }),
    inputOf: (row, where) => textIn(row, column, where),
    lengthOf: (text) => text.length,
    tokensOf: ({ ids }) => ids.length,
    columns: [{ name: 'embedding', kind: 'vector' }],
    cellsOf: (embedding, where) => {
      checkNumbers(embedding, where);
      return { embedding };
    },
    pipelineOptions,
  });
}
