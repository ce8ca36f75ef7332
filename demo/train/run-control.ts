// A training run as a page sees it: a worker that gets orders and tells of its states. At most one run exists; it ends
// with its worker.

import { byId, create, megabytes } from '../elements.ts';
import { askBeforeLeaving } from './leaving.ts';
import type { Command, Question, RunReport, Stage } from './protocol.ts';
import { listen, offer, type State } from './run-buttons.ts';

/** What a page makes of its runs. `Told` is what its workers report beside the states of a run. */
interface Parts<Settings, Told> {
  /** Where the state of the run is told, and what went wrong. */
  readonly status: HTMLElement;
  readonly problem: HTMLElement;
  readonly stages: Readonly<Record<Stage, string>>;
  createWorker(): Worker;
  settings(): Settings;
  /** A run was asked for. */
  begin(): void;
  hear(report: Told): void;
  /** No more steps for now. */
  rest(): void;
  /** The run has come into another state. */
  enter?(state: State): void;
}

const titles: Readonly<Record<string, string>> = {
  ADAPTER_NOT_FOUND: 'WebGPU is missing',
  DEVICE_LOST: 'The GPU is gone',
  TRAINING_DIVERGED: 'Training went astray',
};

export class RunControl<Settings, Told extends { readonly type: string }> {
  readonly #parts: Parts<Settings, Told>;
  #worker: Worker | undefined;
  #state: State = 'idle';

  constructor(parts: Parts<Settings, Told>) {
    this.#parts = parts;
    const order = (state: State, text: string, command: Command<Settings>): void => {
      this.#enter(state, text);
      this.#order(command);
    };
    listen({
      start: () => this.#start(),
      pause: () => order('pausing', 'Pausing …', { type: 'pause' }),
      resume: () => order('opening', 'Resuming …', { type: 'resume' }),
      stop: () => order('stopping', 'Stopping …', { type: 'stop' }),
      save: () => this.#order({ type: 'save' }),
    });
    offer('idle');
  }

  /** Says how the run under way does. */
  tell(text: string): void {
    this.#parts.status.textContent = text;
  }

  /** Has the model answer. */
  try(question: Question): void {
    this.#order({ type: 'try', question });
  }

  #start(): void {
    if (this.#worker !== undefined) return;
    this.#parts.problem.hidden = true;
    this.#parts.begin();
    const worker = this.#parts.createWorker();
    this.#worker = worker;
    worker.addEventListener('message', ({ data }: MessageEvent<RunReport | Told>) =>
      this.#hear(data),
    );
    worker.addEventListener('error', (event) => {
      event.preventDefault();
      this.#fail('', event.message || 'The worker did not start.');
    });
    this.#enter('opening', 'Starting …');
    this.#order({ type: 'start', settings: this.#parts.settings() });
  }

  #hear(report: RunReport | Told): void {
    if (isRunReport(report)) {
      this.#follow(report);
      return;
    }
    if (report.type === 'step') askBeforeLeaving(true);
    // A run that stops hands its model over.
    if (this.#state !== 'stopping' || report.type === 'saved') this.#parts.hear(report);
  }

  #follow(report: RunReport): void {
    if (report.type === 'stopped') {
      showMemory(report.gpuBytes);
      if (report.unsaved !== undefined)
        this.#showProblem('The model was not saved', report.unsaved);
      this.#end('Stopped.');
      return;
    }
    if (report.type === 'failed') {
      this.#fail(report.code, report.message);
      return;
    }
    if (this.#state === 'stopping') return;
    switch (report.type) {
      case 'stage':
        this.tell(this.#parts.stages[report.stage]);
        return;
      case 'running':
        this.#enter('running', 'Training …');
        return;
      case 'paused':
        this.#enter('paused', `Paused after step ${report.step}.`);
        this.#parts.rest();
        return;
      case 'finished':
        this.#enter('finished', `Finished all ${report.step} steps. Save the model, or stop.`);
        this.#parts.rest();
        return;
    }
  }

  #enter(next: State, text: string): void {
    this.#state = next;
    offer(next);
    this.#parts.enter?.(next);
    this.tell(text);
  }

  #order(command: Command<Settings>): void {
    this.#worker?.postMessage(command, []);
  }

  /** Ends the worker, and with it whatever it holds. */
  #end(text: string): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#enter('idle', text);
  }

  #showProblem(title: string, message: string): void {
    const { problem } = this.#parts;
    problem.replaceChildren(create('strong', {}, title), create('p', {}, message));
    problem.hidden = false;
  }

  #fail(code: string, message: string): void {
    this.#showProblem(titles[code] ?? 'This did not work', message);
    const isMissing = code === 'ADAPTER_NOT_FOUND';
    this.#end(isMissing ? 'Training needs WebGPU.' : 'The run is over. Start begins a new one.');
  }
}

const runReports: Readonly<Record<RunReport['type'], true>> = {
  stage: true,
  running: true,
  paused: true,
  finished: true,
  stopped: true,
  failed: true,
};

function isRunReport(report: { readonly type: string }): report is RunReport {
  return Object.hasOwn(runReports, report.type);
}

/** Shows the bytes that a run holds on the GPU. */
export function showMemory(bytes: number): void {
  byId('fact-memory', HTMLElement).textContent = bytes === 0 ? '0 bytes' : megabytes(bytes);
}
