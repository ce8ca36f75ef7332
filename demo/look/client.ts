// The worker as the page sees it: what is asked last counts, and answers to what was asked before are dropped.

import type { ModelSource } from 'webgpu-transformer';
import type { Order, Report, Scene } from './protocol.ts';

export class Client {
  readonly #onReport: (report: Report) => void;
  #worker: Worker | undefined;
  #id = 0;

  constructor(onReport: (report: Report) => void) {
    this.#onReport = onReport;
  }

  /** Opens a model in place of the one before. */
  open(source: ModelSource): void {
    this.#id += 1;
    this.#order({ type: 'open', source });
  }

  show(scene: Scene): void {
    this.#id += 1;
    this.#order({ type: 'show', id: this.#id, scene });
  }

  #order(order: Order): void {
    this.#worker ??= this.#start();
    this.#worker.postMessage(order, []);
  }

  #start(): Worker {
    const worker = new Worker(new URL('worker.ts', import.meta.url), {
      type: 'module',
      name: 'inside',
    });
    worker.addEventListener('message', ({ data }: MessageEvent<Report>) => {
      if ('id' in data && data.id !== undefined && data.id !== this.#id) return;
      this.#onReport(data);
    });
    worker.addEventListener('error', (event) => {
      event.preventDefault();
      this.#worker = undefined;
      const message = event.message || 'The worker did not start.';
      this.#onReport({ type: 'failed', id: undefined, code: '', message });
    });
    return worker;
  }
}
