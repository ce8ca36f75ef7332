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
import type { Look } from './points/look.ts';
import type { SizesOf } from './points/point-shapes.ts';
import type { Tapped } from './points/tapped.ts';

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
  /** Its axes, where they are not those of the tensor. */
  readonly axes?: readonly number[];
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

  /** The tensors at points that are read. */
  captured({ padded, sizesOf }: Looked<Batch>, tapped: Tapped): void {
    for (const { name, tensor, padded: axes, shapeFor } of tapped.readings(padded)) {
      this.all.push({
        tensor,
        axes,
        shapeOf: (batch) => shapeFor(sizesOf(batch)),
        take: (value, output) => ((output.captured ??= {})[name] = value),
      });
    }
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

/** What a list is to bring back. */
interface Asked<Batch> {
  readonly shown: readonly ShownStates[];
  /** Whether batches have classes as labels. */
  readonly labelled: boolean;
  readonly looked?: Looked<Batch> | undefined;
}

/** What was recorded. */
interface ForwardPass<Batch> {
  /** Writes a batch before a play. */
  write(plan: Plan, batch: Batch): void;
}

/** What is asked of named points, and which sizes the tensors there have. */
export interface Looked<Batch> {
  readonly look: Look;
  /** Those that the list is recorded for. */
  readonly padded: SizesOf;
  readonly sizesOf: (batch: Batch) => SizesOf;
}

export class ForwardPlan<Batch extends HeadBatch> {
  readonly #plan: Plan;
  readonly #tapped: Tapped | undefined;
  readonly #pass: ForwardPass<Batch>;
  readonly #results: readonly Result<Batch>[];

  private constructor(
    plan: Plan,
    pass: ForwardPass<Batch>,
    results: readonly Result<Batch>[],
    tapped: Tapped | undefined,
  ) {
    this.#plan = plan;
    this.#pass = pass;
    this.#results = results;
    this.#tapped = tapped;
  }

  /**
   * `record` appends the pass, and says what comes back.
   */
  static async create<Batch extends HeadBatch>(
    owner: Scope,
    { shown, labelled, looked }: Asked<Batch>,
    record: (recording: Recording, results: Results<Batch>) => ForwardPass<Batch>,
  ): Promise<ForwardPlan<Batch>> {
    const losses = labelled ? await import('./heads/losses.ts') : undefined;
    const probe = new Probe(pointsOf(...shown));
    const tapped = looked?.look.tap(probe);
    const recording = new Recording(owner, { points: tapped ?? probe });
    try {
      const results = new Results<Batch>(probe, losses);
      const pass = record(recording, results);
      if (looked !== undefined && tapped !== undefined) results.captured(looked, tapped);
      // A stack's last hidden state is also the last one that is shown.
      const tensors = new Set(results.all.map(({ tensor }) => tensor));
      tapped?.dropUnread(recording, [...tensors]);
      const plan = await Plan.create(recording, [...tensors]);
      return new ForwardPlan(plan, pass, results.all, tapped);
    } catch (error) {
      recording.dispose();
      throw error;
    }
  }

  /**
   * Computes the outputs of a batch, each cut to the shape that it has without padding. `look`: what the call asks for
   * at the points of the list.
   */
  async play(batch: Batch, signal: AbortSignal | undefined, look?: Look): Promise<ModelOutput> {
    throwIfAborted(signal);
    const plan = this.#plan;
    this.#pass.write(plan, batch);
    if (look !== undefined) this.#tapped?.write(plan, look);
    const values = await plan.play();
    throwIfAborted(signal);
    const output: ModelOutput = {};
    for (const { tensor, shapeOf, axes = tensor.shape, take } of this.#results) {
      const bytes = values[plan.outputs.indexOf(tensor)];
      if (bytes === undefined) throw new RangeError(`${tensor.label} is no output of the plan`);
      const shape = shapeOf(batch);
      await take({ data: crop(new Float32Array(bytes), axes, shape), shape }, output, batch);
    }
    if (look !== undefined) output.captured = look.named(output.captured ?? {});
    return output;
  }

  dispose(): void {
    this.#plan.dispose();
  }
}
