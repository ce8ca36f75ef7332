// What the page and the worker that trains tell each other, beside the states of a run.

import type { Mistake } from '../digits/accuracy.ts';
import type { SavedFile, StepReport } from '../train/protocol.ts';
import type { PresetName } from './presets.ts';

export interface Settings {
  readonly preset: PresetName;
  readonly seed: number;
}

/** The run that begins. */
export interface RunFacts {
  readonly adapter: string;
  /** Numbers that train. */
  readonly parameters: number;
  readonly steps: number;
}

/** What the model can do after a number of steps. */
export interface Look {
  readonly step: number;
  /** Of the digits held out. */
  readonly mistakes: readonly Mistake[];
  /** The model. */
  readonly files: readonly SavedFile[];
}

/** What the page shows of a run, beside its state. */
export type Outcome =
  | StepReport
  | { readonly type: 'ready'; readonly facts: RunFacts }
  | { readonly type: 'look'; readonly look: Look };
