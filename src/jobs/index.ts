// The entry point webgpu-transformer/jobs: a file of rows in, a file of results out, whole or not at all. Node only.

export { classifyShard, type ClassifyShardOptions } from './classify.ts';
export { embedShard, type EmbedShardOptions } from './embed.ts';
export { generateShard, type GenerateShardOptions } from './generate.ts';
export { transcribeShard, type TranscribeShardOptions } from './transcribe.ts';
export type {
  ShardOptions,
  ShardPipelineOptions,
  ShardProgress,
  ShardResult,
  TooLong,
} from './options.ts';
export { type ErrorCode, TransformerError } from '../runtime/errors.ts';
