// How far a long command is: one line that is rewritten in place on a terminal, nothing elsewhere.

/** Where the line goes: `process.stderr`, or what a test collects. */
export interface Terminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const clearLine = '\r\u001B[2K';
/** Between two rewrites, in milliseconds. */
const pause = 100;

export class Progress {
  readonly #terminal: Terminal;
  readonly #total: number;
  #last = -Infinity;

  constructor(total: number, terminal: Terminal = process.stderr) {
    this.#total = total;
    this.#terminal = terminal;
  }

  /** Whether there is a terminal to show a bar on. */
  get isShown(): boolean {
    return this.#terminal.isTTY === true;
  }

  /** Shows that `done` of the total is done, and `details` behind the bar. */
  show(done: number, details: string): void {
    const now = performance.now();
    if (!this.isShown || (now - this.#last < pause && done < this.#total)) return;
    this.#last = now;
    const { columns = 0 } = this.#terminal;
    // Some pseudo-terminals say that they have no columns.
    const line = progressLine(done, this.#total, details, columns > 0 ? columns : 80);
    this.#terminal.write(clearLine + line);
  }

  /** Takes the line away, to print something else or at the end. */
  clear(): void {
    if (this.isShown && this.#last !== -Infinity) this.#terminal.write(clearLine);
    this.#last = -Infinity;
  }
}

/** The line for a terminal of `columns` characters; the last one stays free, or it would wrap. */
export function progressLine(
  done: number,
  total: number,
  details: string,
  columns: number,
): string {
  const counts = `${String(done).padStart(String(total).length)}/${total}`;
  const width = Math.min(30, columns - counts.length - details.length - 6);
  const filled = Math.round((width * done) / total);
  const bar = width < 5 ? '' : `[${'#'.repeat(filled)}${'.'.repeat(width - filled)}] `;
  return `${bar}${counts}  ${details}`.slice(0, columns - 1);
}

/** A span of time for people: 42 s, 5 min 3 s, 2 h 5 min. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}
