// The training page in a browser, for tests: opened, watched, and used as a visitor would.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright';
import type { Report } from '../../demo/train/protocol.ts';
import { watchedPage } from './watched-page.ts';

/** The address of the page's worker. */
export const workerFile: RegExp = /worker-.*\.js/;

/** A step as the page showed it. */
export interface Shown {
  readonly step: number;
  readonly loss: number;
}

interface PageState {
  /** Every step shown since the page was opened. */
  readonly shown: Shown[];
  frames: number;
}

/** Where the page's own functions find what `watch` notes. */
type Global = { state: PageState; complain: (text: string) => void };

/** Runs in the page before its scripts: notes the steps shown, counts frames, forbids the GPU. */
function watch(): void {
  const { complain } = globalThis as unknown as Global;
  GPU.prototype.requestAdapter = () => {
    complain('the page itself asked for a GPU');
    return Promise.resolve(null);
  };
  const state: PageState = { shown: [], frames: 0 };
  Object.assign(globalThis, { state });
  const count = (): void => {
    state.frames += 1;
    requestAnimationFrame(count);
  };
  count();
  document.addEventListener('DOMContentLoaded', () => {
    const [step, loss] = ['#fact-step', '#fact-loss'].map((id) => document.querySelector(id)!);
    new MutationObserver(() => {
      const [, number] = /^(\d+) of/.exec(step!.textContent) ?? [];
      if (Number(number) === 0) return;
      state.shown.push({ step: Number(number), loss: Number(loss!.textContent) });
    }).observe(loss!, { childList: true });
  });
}

export class TrainingPage {
  readonly page: Page;
  /** What must not happen, as it was reported: errors in the console, uncaught ones, violations. */
  readonly complaints: readonly string[];

  private constructor(page: Page, complaints: readonly string[]) {
    this.page = page;
    this.complaints = complaints;
  }

  static async open(
    browser: Browser,
    url: string,
    options: BrowserContextOptions,
  ): Promise<TrainingPage> {
    const { page, complaints } = await watchedPage(browser, { ...options, before: watch });
    // The first step compiles a hundred pipelines, which a software driver takes its time over.
    page.setDefaultTimeout(240_000);
    const opened = new TrainingPage(page, complaints);
    await page.goto(url);
    return opened;
  }

  /** Puts a worker in place of the page's own, which reports this once it is told to start, and that to stop. */
  async scriptWorker(start: readonly Report[], stop: readonly Report[] = []): Promise<void> {
    const body = `addEventListener('message', ({ data }) => {
      for (const report of ${JSON.stringify({ start, stop })}[data.type] ?? []) postMessage(report);
    });`;
    const answer = { contentType: 'text/javascript', body };
    await this.page.route(workerFile, (route) => route.fulfill(answer));
  }

  button(name: string): Locator {
    return this.page.getByRole('button', { name, exact: true });
  }

  /** Starts the smallest preset. */
  async start({
    seed = 1,
    lookEvery = 5,
  }: { seed?: number; lookEvery?: number } = {}): Promise<void> {
    await this.page.getByLabel('Model', { exact: true }).selectOption('tiny');
    await this.page.getByLabel('Seed').fill(String(seed));
    await this.page.getByLabel('Steps between looks').fill(String(lookEvery));
    await this.button('Start').click();
  }

  /** Waits until the page says so, but no longer than until it reports a problem. */
  async waitForStatus(text: RegExp): Promise<void> {
    const status = this.page.locator('#status', { hasText: text });
    await status.or(this.page.locator('#problem:not([hidden])')).waitFor();
    await this.#refuseProblem();
  }

  /** Waits until this many steps are shown, and returns all that are. */
  async steps(count: number): Promise<Shown[]> {
    await this.page.waitForFunction(
      (wanted) => {
        const hasProblem = document.querySelector('#problem:not([hidden])') !== null;
        return hasProblem || (globalThis as unknown as Global).state.shown.length >= wanted;
      },
      count,
      { polling: 50 },
    );
    await this.#refuseProblem();
    return this.page.evaluate(() => (globalThis as unknown as Global).state.shown);
  }

  forgetSteps(): Promise<void> {
    return this.page.evaluate(() => {
      (globalThis as unknown as Global).state.shown.length = 0;
    });
  }

  frames(): Promise<number> {
    return this.page.evaluate(() => (globalThis as unknown as Global).state.frames);
  }

  /** Pauses the run and returns the last step. */
  async pause(): Promise<number> {
    await this.button('Pause').click();
    await this.waitForStatus(/^Paused after step \d+\.$/);
    return Number(/\d+/.exec((await this.page.locator('#status').textContent()) ?? '')?.[0]);
  }

  /** Stops the run, worker and all. Returns the GPU memory that the page shows then. */
  async stop(): Promise<string | null> {
    await this.button('Stop').click();
    await this.waitForStatus(/^Stopped\.$/);
    await this.workerEnd();
    return this.fact('memory');
  }

  /** Waits until there is no worker; throws when one is left. */
  async workerEnd(): Promise<void> {
    for (let tries = 0; this.page.workers().length > 0; tries++) {
      if (tries === 200) throw new Error('The worker is still there.');
      await sleep(50);
    }
  }

  async #refuseProblem(): Promise<void> {
    const problem = this.page.locator('#problem:not([hidden])');
    if (await problem.isVisible()) throw new Error(`The page: ${await problem.textContent()}`);
  }

  fact(name: string): Promise<string | null> {
    return this.page.locator(`#fact-${name}`).textContent();
  }

  /** The cells of the table of translations. */
  table(): Promise<string[][]> {
    return this.page
      .locator('#looks tbody tr')
      .evaluateAll((rows) =>
        rows.map((row) => [...row.children].map((cell) => cell.textContent.trim())),
      );
  }

  /** The pictures of all heads. */
  pictures(): Promise<string[]> {
    return this.page
      .locator('#overview canvas')
      .evaluateAll((all) => all.map((canvas) => (canvas as HTMLCanvasElement).toDataURL()));
  }

  /** Pixels of the loss curve that are drawn on. */
  curvePixels(): Promise<number> {
    return this.page.locator('#loss canvas').evaluate((canvas) => {
      const { width, height } = canvas as HTMLCanvasElement;
      const context = (canvas as HTMLCanvasElement).getContext('2d')!;
      const { data } = context.getImageData(0, 0, width, height);
      return data.filter((value, i) => i % 4 === 3 && value > 0).length;
    });
  }
}
