// What the page and its training worker tell each other.

import type { Phrase } from '../../src/phrases/phrases.ts';
import type { TrainingStep } from 'webgpu-transformer/training';
import type { Attention } from '../attention.ts';
import type { PresetName } from './presets.ts';

export interface Settings {
  readonly preset: PresetName;
  /** The greatest learning rate. */
  readonly learningRate: number;
  readonly seed: number;
  /** Steps from one look at the model to the next. */
  readonly lookEvery: number;
}

/** A phrase that a visitor would have translated. */
export interface Question {
  readonly text: string;
  readonly to: string;
}

/** From the page. `start` comes once, first. */
export type Command<RunSettings = Settings> =
  | { readonly type: 'start'; readonly settings: RunSettings }
  | { readonly type: 'try'; readonly question: Question }
  | { readonly type: 'pause' | 'resume' | 'save' | 'stop' };

/** What comes before the first step, in this order. */
export type Stage = 'device' | 'data' | 'model';

/** The run that begins. */
export interface RunFacts {
  readonly adapter: string;
  /** Numbers that train. */
  readonly parameters: number;
  readonly steps: number;
  /** The loss of a model that is always right: label smoothing keeps it above 0. */
  readonly leastLoss: number;
  /** The phrases of every look. */
  readonly samples: readonly Phrase[];
}

/** What the model can do after a number of steps. */
export interface Look {
  readonly step: number;
  /** The model's translation of each sample. */
  readonly answers: readonly string[];
  /** Attention of the first sample, with its right answer as the target. */
  readonly cross: Attention;
  readonly encoder: Attention;
}

export interface SavedFile {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** What is left of a run that ended. */
export interface Remains {
  /** Bytes on the GPU: none. */
  readonly gpuBytes: number;
  /** Why its model was not saved, where that failed. */
  readonly unsaved?: string | undefined;
}

/** From a worker: the states of its run. */
export type RunReport =
  | { readonly type: 'stage'; readonly stage: Stage }
  | { readonly type: 'running' }
  | { readonly type: 'paused' | 'finished'; readonly step: number }
  | ({ readonly type: 'stopped' } & Remains)
  | { readonly type: 'failed'; readonly code: string; readonly message: string };

/** What came of its steps. */
export type StepReport =
  | { readonly type: 'step'; readonly step: TrainingStep; readonly gpuBytes: number }
  | { readonly type: 'saved'; readonly step: number; readonly files: readonly SavedFile[] };

/** What a page shows of a run, beside its state. */
export type Outcome =
  | StepReport
  | { readonly type: 'ready'; readonly facts: RunFacts }
  | { readonly type: 'look'; readonly look: Look }
  | { readonly type: 'tried'; readonly question: Question; readonly answer: string };

/** From the worker. */
export type Report = RunReport | Outcome;
