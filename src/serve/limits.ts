// How much a request may ask for.

/** How much a request may ask for. */
export interface Limits {
  /** Bytes of a body at most: 32 MiB when absent, of which a minute of sound takes about 2. */
  bodyBytes: number;
  /** New tokens of a choice at most; 4096 when absent. */
  tokens: number;
  /** Choices of a request at most, over all its prompts; 16 when absent. */
  choices: number;
  /** Texts or documents of a request at most; 2048 when absent. */
  texts: number;
  /** Answers of a model that are written at the same time at most; 16 when absent. */
  sequences: number;
  /** Of a model, and of all that write nothing: what may wait; 64 when absent. The next one is answered with 429. */
  waiting: number;
  /** Milliseconds that a request may take, its wait included; 600,000 when absent. */
  time: number;
}

/** The limits where none are given. */
export const usualLimits: Readonly<Limits> = {
  bodyBytes: 32 * 2 ** 20,
  tokens: 4096,
  choices: 16,
  texts: 2048,
  sequences: 16,
  waiting: 64,
  time: 600_000,
};
