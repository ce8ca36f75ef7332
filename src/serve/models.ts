// The models of a server by their names.

import { hasMethod, nearestName, TransformerError } from '../runtime/errors.ts';
import { show } from '../runtime/print.ts';
import type { Pipelines } from '../tasks/pipeline.ts';
import { ApiError, wrongField } from './api-error.ts';
import { type Endpoint, unixTime } from './call.ts';
import type { Fields } from './fields.ts';
import type { Scheduler } from './scheduler.ts';

/** A task that a server has an endpoint for. */
export type ServedTask =
  | 'text-generation'
  | 'text2text-generation'
  | 'embeddings'
  | 'text-ranking'
  | 'automatic-speech-recognition';

const tasks: readonly ServedTask[] = [
  'text-generation',
  'text2text-generation',
  'embeddings',
  'text-ranking',
  'automatic-speech-recognition',
];

/** A pipeline of one of these tasks, as `pipeline` resolves with it. */
export type ServedPipeline = Pipelines[ServedTask];

/** A model that is served. */
export interface Served<Task extends ServedTask = ServedTask> {
  readonly id: string;
  readonly task: Task;
  readonly pipeline: Pipelines[Task];
  /** Of those that generate texts. */
  readonly scheduler: Scheduler;
}

/** The models of a server by their names. */
export class Models {
  readonly #models: ReadonlyMap<string, Served>;
  readonly #created = unixTime();

  /** @throws TransformerError OPTION_INVALID for what is no pipeline of a task that is served */
  constructor(
    models: readonly (readonly [string, unknown])[],
    schedulerOf: (pipeline: ServedPipeline) => Scheduler,
  ) {
    if (models.length === 0) {
      throw new TransformerError(
        'OPTION_INVALID',
        "models has none. Pass pipelines by name: { chat: await pipeline('text-generation', …) }.",
      );
    }
    const served = models.map(([id, given]): [string, Served] => {
      const pipeline = servedPipeline(id, given);
      return [
        id,
        { id, task: pipeline.task as ServedTask, pipeline, scheduler: schedulerOf(pipeline) },
      ];
    });
    this.#models = new Map(served);
  }

  /** Whether all models stand on a device that works. */
  get areReady(): boolean {
    return [...this.#models.values()].every(({ pipeline: { model } }) => {
      try {
        return model.gpu.device !== undefined;
      } catch {
        return false;
      }
    });
  }

  /** What waits and what runs of all that generates. */
  get load(): Scheduler['load'] {
    let [waiting, running] = [0, 0];
    for (const { scheduler } of this.#models.values()) {
      waiting += scheduler.load.waiting;
      running += scheduler.load.running;
    }
    return { waiting, running };
  }

  /** Frees what stands beside the models. */
  dispose(): void {
    for (const { scheduler } of this.#models.values()) scheduler.dispose();
  }

  /** The model that a request names, for one of these tasks. @throws ApiError 404, 400 */
  named<Task extends ServedTask>(fields: Fields, ...among: readonly Task[]): Served<Task> {
    const id = fields.required('model', fields.text('model'));
    const found = this.#get(id);
    if (among.some((task) => task === found.task)) return found as Served<Task>;
    throw wrongField(
      'model',
      `The model ${id} is for ${found.task}; this endpoint wants one for ${among.join(' or ')}.`,
      'model_not_supported',
    );
  }

  #get(id: string): Served {
    const found = this.#models.get(id);
    if (found !== undefined) return found;
    const names = [...this.#models.keys()];
    const nearest = nearestName(id, names);
    const hint =
      nearest === undefined ? `There is ${names.join(', ')}.` : `Did you mean ${nearest}?`;
    throw new ApiError(404, `There is no model ${show(id)}. ${hint}`, {
      code: 'model_not_found',
      param: 'model',
    });
  }

  readonly list: Endpoint = async () =>
    Response.json({ object: 'list', data: [...this.#models.values()].map(this.#entry) });

  readonly retrieve: Endpoint = async ({ rest }) => {
    let id = rest;
    try {
      id = decodeURIComponent(rest);
    } catch {
      // As it is, it names none.
    }
    return Response.json(this.#entry(this.#get(id)));
  };

  readonly #entry = ({ id, task }: Served): object => {
    return { id, object: 'model', created: this.#created, owned_by: 'webgpu-transformer', task };
  };
}

function servedPipeline(id: string, given: unknown): ServedPipeline {
  const { task, model } =
    typeof given === 'function' ? (given as unknown as Partial<ServedPipeline>) : {};
  if (id !== '' && hasMethod(model, 'forward') && tasks.some((one) => one === task)) {
    return given as ServedPipeline;
  }
  throw new TransformerError(
    'OPTION_INVALID',
    `models has ${show(id)} of task ${show(task)}; wanted a name, and what pipeline resolves with for ` +
      `${tasks.join(', ')}.`,
  );
}
