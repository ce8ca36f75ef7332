// Stops long work between two steps when the process is asked to end.

/** Milliseconds in which a repeated signal is taken for the same one: npm passes signals on as well. */
const sameSignal = 1000;

const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const;

export class Interruption implements Disposable {
  readonly #controller = new AbortController();
  #exitCode: number | undefined;
  #since = 0;

  constructor() {
    process.on('SIGINT', this.#interrupt);
    process.on('SIGTERM', this.#interrupt);
  }

  /** Fires at the first signal. The second one ends the process at once. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The exit status for the signal that came, by the shell's custom; undefined when none did. */
  get exitCode(): number | undefined {
    return this.#exitCode;
  }

  readonly #interrupt = (name: 'SIGINT' | 'SIGTERM'): void => {
    const now = performance.now();
    if (this.#exitCode === undefined) this.#since = now;
    else if (now - this.#since > sameSignal) process.exit(exitCodes[name]);
    this.#exitCode ??= exitCodes[name];
    this.#controller.abort();
  };

  [Symbol.dispose](): void {
    process.off('SIGINT', this.#interrupt);
    process.off('SIGTERM', this.#interrupt);
  }
}

/**
 * Runs work that the first signal aborts. It then ends without an error, and the process with the
 * exit status of the signal.
 */
export async function interruptible(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  using interruption = new Interruption();
  const { signal } = interruption;
  try {
    await work(signal);
  } catch (error) {
    const isAbort = error instanceof Error && error.name === 'AbortError';
    if (!signal.aborted || !isAbort) throw error;
  }
  process.exitCode = interruption.exitCode ?? process.exitCode ?? 0;
}
