// What a trainer hands out.

/** What one step did. */
export interface TrainingStep {
  /** The step's number, from 1. */
  readonly step: number;
  /** Mean loss of the step's labels, before the update. */
  readonly loss: number;
  /** Tokens of the step, without padding, by the seconds since the step before. */
  readonly tokensPerSecond: number;
  /** The rate of the step. */
  readonly learningRate: number;
  /** Norm of all gradients before clipping; Infinity when a value was not finite. */
  readonly gradNorm: number;
  /** Whether the update was skipped because the loss or a gradient was not finite. */
  readonly skipped: boolean;
  /** Steps skipped since the beginning of training. */
  readonly skippedSteps: number;
}

/** How long a run goes on. */
export interface StepsOptions {
  /** Stops between two steps: the loop throws an AbortError, the trainer keeps all it has. */
  signal?: AbortSignal;
  /** Number of the last step. */
  maxSteps?: number;
}

/** Mean loss over batches that are not trained on. */
export interface Evaluation {
  /** Mean loss of a label. */
  readonly loss: number;
  /** e^loss */
  readonly perplexity: number;
  /** Labels counted. */
  readonly tokens: number;
}
