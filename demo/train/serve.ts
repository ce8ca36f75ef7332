// What a worker that trains does, whatever it trains: obeys commands, reports what happens.

import { TransformerError } from 'webgpu-transformer';
import type { Command, Question, Remains, RunReport } from './protocol.ts';

/** A training run that a page has begun. */
export interface ServedRun {
  /** Trains until the last step or `pause`. Resolves at once when that is under way already. */
  resume(): Promise<void>;
  /** Ends the stretch of steps under way; `resume` goes on with the next step. */
  pause(): void;
  /** Sends the files of the model: now, or after the step under way. */
  save(): Promise<void>;
  /** Has the model answer: now, or after the step under way. */
  try(question: Question): Promise<void>;
  /** Saves what was learned, and frees all that the run holds. */
  close(): Promise<Remains>;
}

/** Opens a run when the page asks for it, and passes its orders on. */
export class RunServer<Settings> {
  readonly #open: (settings: Settings, signal: AbortSignal) => Promise<ServedRun>;
  readonly #opening = new AbortController();
  #opened: Promise<ServedRun> | undefined;

  constructor(open: (settings: Settings, signal: AbortSignal) => Promise<ServedRun>) {
    this.#open = open;
  }

  /** Listens to the page. */
  listen(): void {
    addEventListener('message', ({ data }: MessageEvent<Command<Settings>>) => {
      this.#obey(data).catch(fail);
    });
  }

  async #obey(command: Command<Settings>): Promise<void> {
    if (command.type === 'start') {
      this.#opened = this.#open(command.settings, this.#opening.signal);
      await (await this.#opened).resume();
      return;
    }
    if (command.type === 'stop') {
      this.#opening.abort();
      const run = await this.#opened?.catch(() => undefined);
      const remains = (await run?.close()) ?? { gpuBytes: 0 };
      tell({ type: 'stopped', ...remains } satisfies RunReport);
      return;
    }
    const run = await this.#opened;
    if (command.type === 'pause') run?.pause();
    else if (command.type === 'try') await run?.try(command.question);
    else await run?.[command.type]();
  }
}

/** Reports to the page. */
export function tell(report: object, transfer: ArrayBuffer[] = []): void {
  postMessage(report, { transfer });
}

function fail(error: unknown): void {
  const code = error instanceof TransformerError ? error.code : '';
  // Stopped while it opened: `stop` answers.
  if (code === 'ABORTED') return;
  tell({ type: 'failed', code, message: messageOf(error) } satisfies RunReport);
}

/** What an error says. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
