// A forward pass that is recorded, for one batch size and padded lengths, and how its outputs are read.

import { throwIfAborted } from '../runtime/errors.ts';
import type { Scope } from '../runtime/scope.ts';
import { Plan } from '../runtime/plan.ts';
import { Probe } from '../runtime/points.ts';
import { Recording } from '../runtime/record.ts';
import type { Tensor } from '../runtime/tensor.ts';
import type { Head, HeadBatch } from './heads/head.ts';
import type * as Losses from './heads/losses.ts';
import { crop, type DenseTensor } from './inputs/inputs.ts';
import { pointsOf, type ShownStates } from './layers/shown-states.ts';
import type { ModelOutput } from './model.ts';

/** The outputs that are lists. */
type ListName =
  | 'hiddenStates'
  | 'attentions'
  | 'encoderHiddenStates'
  | 'decoderHiddenStates'
  | 'encoderAttentions'
  | 'decoderAttentions'
  | 'crossAttentions'
  | 'textHiddenStates'
  | 'textAttentions'
  | 'visionHiddenStates'
  | 'visionAttentions';

interface Result<Batch> {
  readonly tensor: Tensor;
  /** Its shape for a batch, without what the list pads. */
  readonly shapeOf: (batch: Batch) => readonly number[];
  readonly take: (value: DenseTensor, output: ModelOutput, batch: Batch) => unknown;
}

/** What a head has recorded. */
interface Headed {
  readonly logits: Tensor | undefined;
  readonly boxes?: Tensor | undefined;
  readonly labels: Tensor | undefined;
  readonly losses?: Tensor | undefined;
  /** What comes to the mean of the losses, (1). */
  readonly balance?: Tensor | undefined;
}

/** What a list brings back. */
export class Results<Batch extends HeadBatch> {
  readonly all: Result<Batch>[] = [];
  /** Where labels of classes will be written. */
  readonly losses: typeof Losses | undefined;
  readonly #probe: Probe;

  constructor(probe: Probe, losses: typeof Losses | undefined) {
    this.#probe = probe;
    this.losses = losses;
  }

  add(tensor: Tensor, shapeOf: Result<Batch>['shapeOf'], take: Result<Batch>['take']): void {
    this.all.push({ tensor, shapeOf, take });
  }

  /** The tensors at named points, arranged; nothing where there are none. */
  list(
    name: ListName,
    paths: readonly string[],
    shapeOf: (batch: Batch, tensor: Tensor) => readonly number[],
    arrange?: (value: DenseTensor) => DenseTensor,
  ): void {
    for (const tensor of this.#probe.tensors(paths)) {
      this.add(
        tensor,
        (batch) => shapeOf(batch, tensor),
        (value, output) => (output[name] ??= []).push(arrange?.(value) ?? value),
      );
    }
  }

  /** The same for weights of attention: a batch's heads of so many rows and columns. */
  weights(
    name: ListName,
    paths: readonly string[],
    sizeOf: (batch: Batch) => readonly [batch: number, rows: number, columns: number],
  ): void {
    const heads = this.#probe.tensors(paths)[0]?.size(1) ?? 0;
    this.list(name, paths, (given) => {
      const [batch, rows, columns] = sizeOf(given);
      return [batch, heads, rows, columns];
    });
  }

  /** What a head gives: logits of every token, whose number is `lengthOf`, or of those it chose; boxes; a loss. */
  head(
    head: Head | undefined,
    { logits, boxes, labels, losses: own, balance }: Headed,
    lengthOf: (batch: Batch) => number,
  ): void {
    if (logits === undefined) return;
    const { shape } = logits;
    const [batch = 0, columns = 0] = [shape[0], shape.at(-1)];
    this.add(
      logits,
      (given) => (shape.length === 2 || head?.choose ? shape : [batch, lengthOf(given), columns]),
      async (value, output, given) => {
        if (head?.show !== undefined) head.show(value, output);
        else output.logits = value;
        const loss = await given.labels?.loss?.(value);
        if (loss !== undefined) output.loss = scalar(loss);
      },
    );
    if (boxes !== undefined) {
      this.add(
        boxes,
        () => boxes.shape,
        (value, output) => (output.predBoxes = value),
      );
    }
    if (own !== undefined) {
      this.add(
        own,
        () => own.shape,
        ({ data }, output, { labels: { sequences } = {} }) => {
          if (sequences === undefined) return;
          const sum = data.reduce((total, loss) => total + loss, 0);
          const isPossible = sequences.impossible === undefined;
          output.loss = scalar(isPossible ? sum / sequences.count : Infinity);
        },
      );
    }
    const { losses } = this;
    if (losses === undefined || labels === undefined) return;
    const each = losses.classLosses(logits, labels);
    this.add(
      each,
      () => each.shape,
      ({ data }, output, { labels: { classes } = {} }) => {
        if (classes !== undefined) output.loss = scalar(losses.meanLoss(data, classes));
      },
    );
    if (balance === undefined) return;
    this.add(
      balance,
      () => balance.shape,
      ({ data: [more = 0] }, output) => {
        if (output.loss !== undefined) output.loss = scalar((output.loss.data[0] ?? NaN) + more);
      },
    );
  }
}

export function scalar(value: number): DenseTensor {
  return { data: Float32Array.of(value), shape: [] };
}

/** What was recorded. */
interface ForwardPass<Batch> {
  /** Writes a batch before a play. */
  write(plan: Plan, batch: Batch): void;
}

export class ForwardPlan<Batch extends HeadBatch> {
  readonly #plan: Plan;
  readonly #pass: ForwardPass<Batch>;
  readonly #results: readonly Result<Batch>[];

  private constructor(plan: Plan, pass: ForwardPass<Batch>, results: readonly Result<Batch>[]) {
    this.#plan = plan;
    this.#pass = pass;
    this.#results = results;
  }

  /**
   * `labelled`: whether batches have classes as labels. `record` appends the pass, and says what comes back.
   */
  static async create<Batch extends HeadBatch>(
    owner: Scope,
    { shown, labelled }: { shown: readonly ShownStates[]; labelled: boolean },
    record: (recording: Recording, results: Results<Batch>) => ForwardPass<Batch>,
  ): Promise<ForwardPlan<Batch>> {
    const losses = labelled ? await import('./heads/losses.ts') : undefined;
    const probe = new Probe(pointsOf(...shown));
    const recording = new Recording(owner, { points: probe });
    try {
      const results = new Results<Batch>(probe, losses);
      const pass = record(recording, results);
      // A stack's last hidden state is also the last one that is shown.
      const tensors = new Set(results.all.map(({ tensor }) => tensor));
      const plan = await Plan.create(recording, [...tensors]);
      return new ForwardPlan(plan, pass, results.all);
    } catch (error) {
      recording.dispose();
      throw error;
    }
  }

  /** Computes the outputs of a batch, each cut to the shape that it has without padding. */
  async play(batch: Batch, signal: AbortSignal | undefined): Promise<ModelOutput> {
    throwIfAborted(signal);
    const plan = this.#plan;
    this.#pass.write(plan, batch);
    const values = await plan.play();
    throwIfAborted(signal);
    const output: ModelOutput = {};
    for (const { tensor, shapeOf, take } of this.#results) {
      const bytes = values[plan.outputs.indexOf(tensor)];
      if (bytes === undefined) throw new RangeError(`${tensor.label} is no output of the plan`);
      const shape = shapeOf(batch);
      await take(
        { data: crop(new Float32Array(bytes), tensor.shape, shape), shape },
        output,
        batch,
      );
    }
    return output;
  }

  dispose(): void {
    this.#plan.dispose();
  }
}
