// How a task is made from a checkpoint, and which checkpoints fit it.

import type { Modality } from '../model/family.ts';
import type { Model } from '../model/model.ts';
import type { Source } from '../source/source.ts';
import type { ProcessorName, Processors } from './processors.ts';

/** What a task is made from. */
type Parts<Need extends ProcessorName> = { readonly model: Model } & Pick<Processors, Need>;
type Make<Task, Need extends ProcessorName> = (parts: Parts<Need>) => Task;
type Awaitable<T> = T | Promise<T>;

/** What people give a task, and what it needs between these and a model. */
export interface Kind<Need extends ProcessorName> {
  readonly takes: Modality;
  readonly needs: readonly Need[];
}

/** How a task's code and settings are loaded, and which checkpoints fit it. */
export interface TaskDefinition<Task, Need extends ProcessorName> extends Kind<Need> {
  /** Asks for the code, of which a page loads that of the tasks that it names alone. */
  readonly code: () => Promise<unknown>;
  readonly load: (files: Source, signal: AbortSignal | undefined) => Promise<Make<Task, Need>>;
  /** The ends of the class names of checkpoints that fit; any when absent. */
  readonly heads?: readonly string[];
}

export function task<Code, Task, Need extends ProcessorName>(
  kind: Kind<Need>,
  code: () => Promise<Code>,
  make: (
    code: Code,
    ...from: Parameters<TaskDefinition<Task, Need>['load']>
  ) => Awaitable<Make<Task, Need>>,
  heads?: readonly string[],
): TaskDefinition<Task, Need> {
  const load: TaskDefinition<Task, Need>['load'] = async (...from) => make(await code(), ...from);
  return { ...kind, code, load, ...(heads && { heads }) };
}

/** With the code that is needed once a model generates. */
export async function generating<Code>(code: Promise<Code>): Promise<Code> {
  const [own] = await Promise.all([code, import('../model/generation/loaded-generation.ts')]);
  return own;
}
