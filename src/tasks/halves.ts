// A task in two halves, between which others can set to work: what the processor makes of an input, on the CPU, and what
// the model makes of several of these.

/** A task with its options. */
export interface Halves<Input, Row, Result> {
  /** Tokens of a row at most. */
  readonly limit: number;
  /** Rows that go through the model side by side at most; as many as fit when absent. */
  readonly rows?: number;
  /** Errors: INPUT_INVALID. */
  readonly encode: (input: Input) => Row | Promise<Row>;
  /** The results in the order of the rows. Errors: those of the model. */
  readonly run: (rows: readonly Row[]) => Promise<Result[]>;
}

/** Where a pipeline has its halves: for options, which they check as a call does. Internal. */
export const halves: unique symbol = Symbol.for('webgpu-transformer.halves') as never;

export interface Halved<Options, Input, Row, Result> {
  readonly [halves]: (options: Options) => Halves<Input, Row, Result>;
}
