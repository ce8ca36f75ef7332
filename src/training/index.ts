// The entry point `webgpu-transformer/training`.

export { type Batches, type SequencePair, sequenceBatch } from './batches.ts';
export { audioFolder, speechBatch, type SpokenText } from './data/audio-folder.ts';
export {
  type LabelledSound,
  soundBatch,
  type SoundFolder,
  soundFolder,
  type SoundFolderOptions,
} from './data/sound-folder.ts';
export {
  loadSpeechProcessor,
  type SpeechLabelOptions,
  type SpeechProcessor,
} from './data/speech-processor.ts';
export {
  chatExample,
  type ChatExampleOptions,
  completionExample,
  exampleBatch,
  type ExampleOptions,
  packExamples,
  textExample,
  type TokenExample,
} from './data/examples.ts';
export { contrastive, type ContrastiveOptions } from './contrastive.ts';
export {
  contrastiveBatch,
  type ContrastiveBatchOptions,
  type ContrastiveExample,
} from './data/contrastive-batch.ts';
export {
  imageBatch,
  imageFolder,
  type ImageFolder,
  type ImageFolderOptions,
  type LabelledImage,
} from './data/image-folder.ts';
export {
  type AnnotatedImage,
  objectBatch,
  objectFolder,
  type ObjectFolder,
} from './data/object-folder.ts';
export {
  labelledBatch,
  type LabelledBatchOptions,
  type LabelledText,
} from './data/labelled-texts.ts';
export { loadTokenizer } from './data/load-tokenizer.ts';
export { maskedExample, type MaskingOptions } from './data/masked-example.ts';
export { shuffled } from './data/order.ts';
export {
  type DataRecord,
  readRecords,
  type RecordFormat,
  type RecordOptions,
  streamRecords,
} from './data/records.ts';
export { packStream } from './data/pack-stream.ts';
export { shuffledStream, type ShuffledStreamOptions } from './data/shuffled-stream.ts';
export type { StreamInput } from './data/text-stream.ts';
export {
  type Preference,
  preferenceBatch,
  type PreferenceExample,
  preferenceExample,
} from './data/preferences.ts';
export type { AttackOptions } from './adversarial.ts';
export { type Robustness, robustness } from './robustness.ts';
export {
  type BestEvaluation,
  EarlyStopping,
  type EarlyStoppingOptions,
} from './evaluation/early-stopping.ts';
export type { MetricName, TaskMetrics } from './evaluation/measure.ts';
export { taskMetrics, type TaskMetricsOptions } from './evaluation/task-metrics.ts';
export { completeRun } from './complete-run.ts';
export { distillation, type DistillationOptions } from './distillation.ts';
export { dpo, type DpoOptions } from './dpo.ts';
export {
  type AttentionHead,
  type AttentionStack,
  type HeadScore,
  type PrunedHead,
  type PrunedHeads,
  pruneHeads,
  type PruneHeadsOptions,
  scoreHeads,
  type ScoreHeadsOptions,
} from './head-pruning.ts';
export { initialCheckpoint, type InitialCheckpointOptions } from './initialize.ts';
export { type WeightedAdapter, withAdapters } from './adapters/adapted-model.ts';
export {
  adapterDelta,
  adapterFile,
  type AdapterTensor,
  type AdapterTensors,
  adapterTensors,
} from './adapters/adapter-tensors.ts';
export { mergeAdapters, type MergeAdaptersOptions } from './adapters/merge-adapters.ts';
export {
  type OuterState,
  type OuterStep,
  outerStep,
  type OuterStepOptions,
} from './adapters/outer-step.ts';
export { loadLora } from './adapters/load-lora.ts';
export { Lora } from './adapters/lora.ts';
export type { AdaptiveOptions } from './adapters/adaptive-ranks.ts';
export type { AdapterOrigin } from './adapters/lora-config.ts';
export type { LoraOptions } from './adapters/lora-options.ts';
export { trainingMemory, type TrainingMemory } from './memory.ts';
export { labelCrossEntropy, type Objective, type RecordedObjective } from './objective.ts';
export {
  adam,
  type AdamSettings,
  adamW,
  type Optimizer,
  sgd,
  type SgdSettings,
} from './optimizers.ts';
export {
  constant,
  cosine,
  type DecayOptions,
  inverseSquareRoot,
  linear,
  type Schedule,
  type WarmupOptions,
} from './schedules.ts';
export {
  type PrunedTensor,
  type PrunedWeights,
  pruneWeights,
  type PruneWeightsOptions,
} from './pruning.ts';
export { gradualPruning, type GradualPruningOptions, type RunPruning } from './gradual-pruning.ts';
export type { TextPooling } from './pooled-states.ts';
export type { PruningMask } from './pruning-mask.ts';
export type { NamePattern } from './trainable.ts';
export { Trainer } from './trainer.ts';
export type { SaveModelOptions } from './checkpoint.ts';
export type { Evaluation, StepsOptions, TrainingStep } from './training-step.ts';
export type { DataFolder } from '../source/folder-files.ts';
export type { NamedFile, Target } from '../source/target.ts';
export type { Adapter, TrainerOptions } from './trainer-options.ts';
