// The entry point webgpu-transformer/metrics: how good texts, classes and numbers are that models tell. Plain counting on the
// CPU; needs no GPU, and runs wherever JavaScript does.

export {
  type AveragePrecision,
  averagePrecision,
  type FoundObject,
  type GroundTruthObject,
  type ObjectBox,
} from './average-precision.ts';
export {
  bleu,
  type BleuOptions,
  type BleuScore,
  type BleuSmoothing,
  sentenceBleu,
} from './bleu.ts';
export type { BleuTokenizer } from './bleu-tokenizers.ts';
export type { References } from './check.ts';
export { chrF, type ChrFOptions, type ChrFScore } from './chrf.ts';
export { classification, type Classes, type ClassificationScore } from './classification.ts';
export { type Correlation, correlation } from './correlation.ts';
export { entities, type EntityScore } from './entities.ts';
export { exactMatch, type ExactMatchOptions, type ExactMatchScore } from './exact-match.ts';
export { type MeanLoss, perplexity } from './perplexity.ts';
export { rouge, type RougeOptions, type RougeScore, type RougeScores } from './rouge.ts';
export { squad, type SquadScore } from './squad.ts';
export { wordErrorRate, type WordErrorOptions, type WordErrorScore } from './word-errors.ts';
export { type ErrorCode, TransformerError } from '../runtime/errors.ts';
