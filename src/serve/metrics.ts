// What a server counts, as text that Prometheus reads (text format 0.0.4).

type Labels = Readonly<Record<string, string>>;

/** Upper bounds in seconds. */
const bounds = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** Numbers of one name, by their labels. */
class Family {
  readonly #values = new Map<string, number>();
  readonly #name: string;
  readonly #head: string;

  constructor(name: string, kind: 'counter' | 'gauge' | 'histogram', help: string) {
    this.#name = `webgpu_transformer_${name}`;
    this.#head = `# HELP ${this.#name} ${help}\n# TYPE ${this.#name} ${kind}`;
  }

  add(labels: Labels, amount = 1): void {
    this.addTo('', labels, amount);
  }

  set(labels: Labels, value: number): void {
    this.#values.set(this.#key('', labels), value);
  }

  protected addTo(suffix: string, labels: Labels, amount: number): void {
    const key = this.#key(suffix, labels);
    this.#values.set(key, (this.#values.get(key) ?? 0) + amount);
  }

  #key(suffix: string, labels: Labels): string {
    const escaped = (text: string): string =>
      text
        .replaceAll('\\', String.raw`\\`)
        .replaceAll('"', String.raw`\"`)
        .replaceAll('\n', String.raw`\n`);
    const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
    return `${this.#name}${suffix}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`}`;
  }

  toString(): string {
    return [this.#head, ...[...this.#values].map(([key, value]) => `${key} ${value}`)].join('\n');
  }
}

/** How long something takes. */
class Histogram extends Family {
  constructor(name: string, help: string) {
    super(name, 'histogram', help);
  }

  observe(labels: Labels, seconds: number): void {
    for (const bound of bounds) {
      this.addTo('_bucket', { ...labels, le: String(bound) }, seconds <= bound ? 1 : 0);
    }
    this.addTo('_bucket', { ...labels, le: '+Inf' }, 1);
    this.addTo('_sum', labels, seconds);
    this.addTo('_count', labels, 1);
  }
}

/** The counts of one server. */
export class Metrics {
  readonly requests: Family = new Family(
    'requests_total',
    'counter',
    'Requests that were answered.',
  );
  readonly promptTokens: Family = new Family(
    'prompt_tokens_total',
    'counter',
    'Tokens that were read.',
  );
  readonly completionTokens: Family = new Family(
    'completion_tokens_total',
    'counter',
    'Tokens that were generated.',
  );
  readonly firstToken: Histogram = new Histogram(
    'time_to_first_token_seconds',
    'From a request to its first token.',
  );
  readonly duration: Histogram = new Histogram(
    'request_duration_seconds',
    'From a request to the end of its answer.',
  );
  readonly #waiting = new Family('requests_waiting', 'gauge', 'Requests in the queue.');
  readonly #running = new Family('requests_running', 'gauge', 'Requests on the GPU.');

  /** All counts as text, with how many wait and run now. */
  text(loads: readonly { readonly waiting: number; readonly running: number }[]): string {
    this.#waiting.set(
      {},
      loads.reduce((sum, { waiting }) => sum + waiting, 0),
    );
    this.#running.set(
      {},
      loads.reduce((sum, { running }) => sum + running, 0),
    );
    const { requests, promptTokens, completionTokens, firstToken, duration } = this;
    const families = [requests, promptTokens, completionTokens, firstToken, duration];
    return `${[...families, this.#waiting, this.#running, ...memory()].join('\n')}\n`;
  }
}

/** What the process holds in memory, by the name that all exporters have for it; nothing in a browser. */
function memory(): string[] {
  const { process } = globalThis as { process?: { memoryUsage?: () => { rss: number } } };
  const bytes = process?.memoryUsage?.().rss;
  if (bytes === undefined) return [];
  const name = 'process_resident_memory_bytes';
  return [
    `# HELP ${name} Resident memory of the process.`,
    `# TYPE ${name} gauge`,
    `${name} ${bytes}`,
  ];
}
