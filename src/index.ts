// The public interface. Node's entry (index.node.ts) adds how Node finds adapters and files.

export { type AudioFeatures, FeatureExtractor } from './audio/feature-extractor.ts';
export type { FeatureOptions } from './audio/feature-options.ts';
export {
  type AudioInput,
  readAudio,
  type ReadAudioOptions,
  type SampledSound,
} from './audio/read-audio.ts';
export { recordAudio, type RecordAudioOptions } from './audio/record-audio.ts';
export { clearCache, isCached } from './source/cache.ts';
export { ImageProcessor } from './images/image-processor.ts';
export type { RawImage } from './images/pixels.ts';
export type { Colour } from './images/processor-settings.ts';
export type { ImageInput } from './images/read-image.ts';
export { modelSize, type ModelSize, type ModelSizeOptions } from './model/model-size.ts';
export type { GenerateOptions } from './model/generation/options.ts';
export type {
  ModelPoint,
  PointEdit,
  PointOptions,
  PointValue,
  SizeName,
} from './model/points/point-options.ts';
export type { HttpOptions } from './source/http-options.ts';
export { httpSource } from './source/remote-source.ts';
export type { DenseTensor } from './model/inputs/inputs.ts';
export { loadModel, type LoadOptions } from './model/load.ts';
export type { NewHead } from './model/new-head.ts';
export type { WeightFormatName, WeightFormats } from './model/weights/asked-formats.ts';
export type { SpeechSegment } from './model/speech/segments.ts';
export type { BiasedSequence } from './shaders/choice/token-rules.ts';
export type { JsonObject } from './source/json.ts';
export type { CacheCheck } from './source/kept-file.ts';
export type {
  ForwardOptions,
  GenerateCall,
  GenerateCallOptions,
  GenerateOutputOptions,
  GenerateResult,
  Model,
  ImageObjects,
  ModelInputs,
  ModelOutput,
} from './model/model.ts';
export type { FileInput } from './source/read-bytes.ts';
export type { Files } from './source/file-source.ts';
export type { ModelSource, SourceOptions } from './source/open-source.ts';
export type { FileFacts, FileProgress, FileRange, RemoteSource, Source } from './source/source.ts';
export type { TorchForwardOptions } from './model/torch-transformer-model.ts';
export type { AdapterName } from './runtime/adapter.ts';
export { type ErrorCode, TransformerError } from './runtime/errors.ts';
export {
  Gpu,
  type GpuInfo,
  type GpuOptions,
  type GpuRequestOptions,
  type Tier,
} from './runtime/gpu.ts';
export type { Matrices } from './runtime/matrices.ts';
export type { GpuMemory } from './runtime/memory-meter.ts';
export type { ChatMessage, ChatOptions } from './tokenizer/chat-template.ts';
export type { RecognitionOptions } from './tasks/sound/automatic-speech-recognition.ts';
export type { SpeechChunk, SpeechText } from './tasks/sound/speech-text.ts';
export type { EmbeddingOptions, SimilarityInput } from './tasks/text/embeddings.ts';
export type { AggregationStrategy } from './tasks/text/entities.ts';
export type { FeatureExtractionOptions } from './tasks/text/feature-extraction.ts';
export type { AudioClassificationOptions } from './tasks/sound/audio-classification.ts';
export type { ImageClassificationOptions } from './tasks/image/image-classification.ts';
export type { DrawingOptions } from './tasks/image/unconditional-image-generation.ts';
export type { DetectedObject, ObjectDetectionOptions } from './tasks/image/object-detection.ts';
export type { ImageFeatureExtractionOptions } from './tasks/image/image-feature-extraction.ts';
export type { ImageToTextOptions } from './tasks/image/image-to-text.ts';
export type { FilledMask, FillMaskOptions } from './tasks/text/fill-mask.ts';
export type { GeneratedText, TextOptions } from './tasks/generation.ts';
export {
  pipeline,
  type PipelineOptions,
  type Pipelines,
  type TranslationPipeline,
} from './tasks/pipeline.ts';
export { cosineSimilarity } from './tasks/pooling.ts';
export type {
  Answer,
  Question,
  QuestionAnsweringOptions,
} from './tasks/text/question-answering.ts';
export type { LabelScore } from './tasks/label-scores.ts';
export type { TextClassificationOptions, TextPair } from './tasks/text/text-classification.ts';
export type { TextGenerationOptions } from './tasks/text/text-generation.ts';
export type { RankedDocument, TextRankingOptions } from './tasks/text/text-ranking.ts';
export type { Summary } from './tasks/text/text-to-text.ts';
export type {
  EntityGroup,
  TokenClassificationOptions,
  TokenEntity,
} from './tasks/text/token-classification.ts';
export type { CutOptions, Encoding, WindowOptions } from './tokenizer/template.ts';
export type { SpecialTokens } from './tokenizer/specials.ts';
export type { EncodeOptions, Tokenizer } from './tokenizer/tokenizer.ts';
export type { TranslateOptions, Translation } from './tasks/text/translation.ts';
export type { ZeroShotOptions, ZeroShotResult } from './tasks/text/zero-shot-classification.ts';
export type { ZeroShotImageOptions } from './tasks/image/zero-shot-image-classification.ts';
