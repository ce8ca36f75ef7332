// The entry point webgpu-transformer/interpret: what a model does inside, by published methods over its named points.

export { attentionRollout } from './rollout.ts';
export { type AttributionOptions, directAttribution, type DirectAttribution } from './direct.ts';
export { type Feature, loadAutoencoder, type SparseAutoencoder } from './autoencoder.ts';
export {
  type HeadScoreOptions,
  type HeadScores,
  inductionScores,
  previousTokenScores,
} from './head-scores.ts';
export {
  type GradientOptions,
  inputGradients,
  integratedGradients,
  type IntegratedOptions,
  type TokenAttribution,
} from './gradients.ts';
export { type LensOptions, type LensReading, logitLens, unembed } from './lens.ts';
export { loadTunedLens, type TunedLens } from './tuned-lens.ts';
export { type Measure, type Target } from './measure.ts';
export {
  ablateHeads,
  type AblationOptions,
  type HeadEffects,
  patchActivations,
  type PatchEffects,
  type PatchOptions,
} from './patching.ts';
export { type Probe, type ProbeOptions, trainProbe } from './probe.ts';
export { steeringVector, type SteeringOptions } from './steering-vector.ts';
