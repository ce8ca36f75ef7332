// The entry point webgpu-transformer/serve: models behind the interface of OpenAI's API.

export { type Caller, createHandler, type Handler } from './handler.ts';
export type { Limits } from './limits.ts';
export type { ServedPipeline, ServedTask } from './models.ts';
export type { HandlerOptions, LogEntry } from './options.ts';
export { type BatchLoad, RunningBatch } from './running-batch.ts';
export type { BatchOptions, BatchStreamOptions } from '../model/generation/batch/batch-options.ts';
export type { BatchTokens } from '../model/generation/batch/seat.ts';
export type { Likelihood, LikelyToken } from '../model/generation/likelihoods.ts';
