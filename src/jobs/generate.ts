// Texts that go on from the prompts of a shard.

import { fieldOf, TransformerError } from '../runtime/errors.ts';
import { isListOf } from '../runtime/lists.ts';
import { show } from '../runtime/print.ts';
import { halves, type Halved } from '../tasks/halves.ts';
import type { Pipelines } from '../tasks/pipeline.ts';
import type { GeneratedPrompt, TextGenerationOptions } from '../tasks/text/text-generation.ts';
import type { ChatMessage } from '../tokenizer/chat-template.ts';
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

/** How texts are generated for a shard. */
export interface GenerateShardOptions extends ShardOptions {
  /** Options of the pipeline. `maxNewTokens` bounds each text; who draws gives a `seed`. */
  pipelineOptions: ShardPipelineOptions<
    Omit<TextGenerationOptions, 'returnFullText' | 'stoppingCriteria'>
  > & {
    /** Tokens of a text at most. */
    maxNewTokens: number;
  };
}

type Prompt = string | ChatMessage[];
type Generator = Halved<
  TextGenerationOptions,
  Prompt,
  { readonly ids: readonly number[] },
  GeneratedPrompt[]
>;

/**
 * The text that goes on from each row's prompt, or the answer to its chat (a list of `{ role, content }`), as the pipeline
 * gives it for the row alone with `returnFullText: false`: a column `generatedText` beside the row's `id`, or with several
 * `numReturnSequences` the list `generatedTexts`. What is drawn depends on the batches: the same shard, options and device
 * give the same again. Output, memory and errors are those of `embedShard`.
 * @param input the shard's path or URL
 * @param output a folder, which is made when it is missing
 * @example
 * await generateShard(generate, 'prompts/part-7.jsonl', 'answers', {
 *   modelId: 'owner/name',
 *   pipelineOptions: { maxNewTokens: 200 },
 * });
 */
export async function generateShard(
  pipeline: Pipelines['text-generation'],
  input: string | URL,
  output: string | URL,
  options: GenerateShardOptions,
): Promise<ShardResult> {
  checkPipeline(pipeline, ['text-generation']);
  const settings = shardSettings(options, {
    name: 'generateShard',
    formats: ['jsonl', 'parquet'],
    column: 'text',
    more: ['pipelineOptions'],
  });
  const { column, signal } = settings;
  const pipelineOptions: TextGenerationOptions = pipelineFields(options.pipelineOptions, {
    returnFullText: 'The output has the new text alone.',
  });
  const { maxNewTokens, numReturnSequences = 1 } = pipelineOptions;
  if (!Number.isSafeInteger(maxNewTokens) || Number(maxNewTokens) < 1) {
    throw new TransformerError(
      'OPTION_INVALID',
      `pipelineOptions.maxNewTokens is ${maxNewTokens === undefined ? 'missing' : show(maxNewTokens)}; wanted how many tokens a text has at most.`,
    );
  }
  const most = Number(maxNewTokens);
  checkSeed(pipelineOptions, pipeline.model);
  const own = (pipeline as unknown as Generator)[halves]({
    ...pipelineOptions,
    returnFullText: false,
    ...(signal && { signal }),
  });
  const isList = numReturnSequences !== 1;
  return runShard(input, output, settings, {
    // The last token takes no position.
    halves: { ...own, limit: own.limit + 1 },
    inputOf: (row, where) => promptIn(row, column, where),
    lengthOf: (prompt) =>
      typeof prompt === 'string' ? prompt.length : JSON.stringify(prompt).length,
    tokensOf: ({ ids }) => ids.length + most,
    columns: [
      isList ? { name: 'generatedTexts', kind: 'texts' } : { name: 'generatedText', kind: 'text' },
    ],
    cellsOf: (found) => {
      const texts = found.map(({ generatedText }) => generatedText);
      return isList ? { generatedTexts: texts } : { generatedText: texts[0] };
    },
    pipelineOptions,
  });
}

/** A prompt or a chat in a column. Errors: FILE_INVALID. */
function promptIn(row: DataRecord, column: string, where: string): Prompt {
  const value = row[column];
  if (typeof value === 'string') return value;
  const isMessage = (one: unknown): one is ChatMessage => typeof fieldOf(one, 'role') === 'string';
  if (isListOf(value, isMessage) && value.length > 0) return value;
  throw wrongCell(where, column, value, 'a text, or a chat: [{ "role", "content" }, …]');
}
