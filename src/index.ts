// The public interface. Node's entry (index.node.ts) adds how Node finds adapters and files.

export { clearCache, isCached, modelSize, type ModelSize } from './model/cache.ts';
export type { GenerateOptions } from './model/generation-options.ts';
export type { HttpOptions } from './model/http-options.ts';
export { httpSource } from './model/http-source.ts';
export type { DenseTensor } from './model/inputs.ts';
export { loadModel, type LoadOptions } from './model/load.ts';
export type {
  ForwardOptions,
  GenerateResult,
  Model,
  ModelInputs,
  ModelOutput,
} from './model/model.ts';
export type { ModelSource, SourceOptions } from './model/open-source.ts';
export type { FileProgress, FileRange, Source } from './model/source.ts';
export type { TorchForwardOptions } from './model/torch-transformer-model.ts';
export { type ErrorCode, TransformerError } from './runtime/errors.ts';
export {
  Gpu,
  type GpuInfo,
  type GpuMemory,
  type GpuOptions,
  type GpuRequestOptions,
  type Tier,
} from './runtime/gpu.ts';
export { pipeline, type Pipelines } from './tasks/pipeline.ts';
export type { ChatMessage, ChatOptions } from './tasks/chat-template.ts';
export type { Encoding, WindowOptions } from './tasks/tokenizer-template.ts';
export type { EncodeOptions, Tokenizer } from './tasks/tokenizer.ts';
export type { TranslateOptions, Translation, TranslationPipeline } from './tasks/translation.ts';
