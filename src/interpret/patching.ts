// What of a model's answer hangs on an activation: it is put into another run, or taken out of its own.

import { refuseUnknown, throwIfAborted, TransformerError } from '../runtime/errors.ts';
import type { DenseTensor } from '../model/inputs/inputs.ts';
import type { Model, ModelInputs } from '../model/model.ts';
import { isByKey } from '../model/points/point-shapes.ts';
import type { PointEdit } from '../model/points/point-options.ts';
import { invalidOption } from '../training/check.ts';
import { checkCount, pointsOf } from './checks.ts';
import { checkMeasure, lastOf, type OfLast, type Measure, measured } from './measure.ts';
import {
  type CallOptions,
  type Captured,
  captureOf,
  logitsOf,
  pointsAt,
  prefixOf,
  repeated,
} from './runs.ts';

/** Options of `patchActivations`. */
export interface PatchOptions extends CallOptions {
  /** The run that activations come from, one sequence. */
  clean: ModelInputs;
  /** The run that they are put into, of the same length. */
  corrupted: ModelInputs;
  /** What is measured of each run. */
  measure: Measure;
  /** Points, one after the other, by name or pattern; `layers.*.output`, the residual stream behind each layer, by default. */
  at?: string;
  /** Sequences that are computed at a time; 32 by default. */
  batchSize?: number;
}

/** What patches do. */
export interface PatchEffects {
  /** The points of the rows. */
  readonly points: readonly string[];
  /** What is measured of the corrupted run with the clean activation of a point at one position: of each point and position. */
  readonly values: readonly (readonly number[])[];
  /** The same, 0 as in the corrupted run and 1 as in the clean one. */
  readonly recovered: readonly (readonly number[])[];
  /** What is measured of the clean run. */
  readonly clean: number;
  /** The same of the corrupted one. */
  readonly corrupted: number;
}

/** A sequence of the sweep. */
interface Patched {
  readonly point: string;
  readonly position: number;
}

/**
 * Activation patching, a sweep over points and positions in batches: "Locating and Editing Factual Associations in GPT"
 * (Meng et al. 2022, arXiv 2202.05262, §2.1), "Interpretability in the Wild" (Wang et al. 2022, arXiv 2211.00593, §3.1).
 * @throws TransformerError OPTION_INVALID, OPTION_UNKNOWN, INPUT_INVALID, MODEL_UNSUPPORTED, ABORTED
 * @example
 * const { points, recovered } = await patchActivations(model, { clean, corrupted, measure: { id: paris, against: rome } });
 */
export async function patchActivations(model: Model, options: PatchOptions): Promise<PatchEffects> {
  const known = ['clean', 'corrupted', 'measure', 'at', 'batchSize', 'signal'];
  refuseUnknown(options, known, 'option of patchActivations');
  const { clean, corrupted, measure, batchSize = 32, signal } = options;
  checkMeasure(measure);
  checkCount('batchSize', batchSize, 1024);
  const { at = `${prefixOf(await pointsOf(model))}layers.*.output` } = options;
  const points = (await pointsAt(model, at)).map(({ name }) => name);
  const keyed = points.find(isByKey);
  if (keyed !== undefined) {
    throw invalidOption(
      'at',
      keyed,
      'points that have positions of one axis: values or heads, say',
    );
  }
  const passing = signal !== undefined && { signal };
  const starts = await startsOf(model);
  const run = async (inputs: ModelInputs, capture: readonly string[]) =>
    logitsOf(await model.forward(repeated(inputs, 1), { capture, ...passing }));
  const from = await run(clean, points);
  const into = await run(corrupted, [...new Set([...points, ...starts])]);
  const [best = 0] = measured(measure, from.logits);
  const [worst = 0] = measured(measure, into.logits);
  if (best === worst) {
    throw new TransformerError(
      'INPUT_INVALID',
      `Both runs measure ${best}, so there is nothing to recover. Pass runs that differ.`,
    );
  }
  const all: Patched[] = [];
  for (const point of points) {
    const [one, other] = [captureOf(from.captured, point), captureOf(into.captured, point)];
    expectAlike(point, one, other);
    const positions = one.shape[1] ?? 1;
    for (let position = 0; position < positions; position++) all.push({ point, position });
  }
  const sweeping = { measure, batchSize, signal, starts, plain: into };
  const values = await sweep(model, corrupted, all, sweeping, (rows) =>
    [...new Set(rows.map(({ point }) => point))].map((point) =>
      patch(point, rows, captureOf(from.captured, point), captureOf(into.captured, point)),
    ),
  );
  const rowsOf = (of: (value: number) => number): number[][] =>
    points.map((point) => values.filter((_, i) => all[i]?.point === point).map(of));
  return {
    points,
    values: rowsOf((value) => value),
    recovered: rowsOf((value) => (value - worst) / (best - worst)),
    clean: best,
    corrupted: worst,
  };
}

/** What the changes of a sweep go by. */
interface Sweep {
  readonly measure: Measure;
  readonly batchSize: number;
  readonly signal: AbortSignal | undefined;
  /** Where a run may begin: what layers are given, in their order. */
  readonly starts: readonly string[];
  /** The run without changes, with what its layers were given. */
  readonly plain: Captured;
}

/**
 * What is measured of one sequence with each of these changes, in the order of their points, so many at a time. What comes
 * before the layer of the first is as it was, and not computed again. `editOf`: of the rows of a batch.
 */
async function sweep<Change extends { readonly point: string }>(
  model: Model,
  inputs: ModelInputs,
  changes: readonly Change[],
  { measure, batchSize, signal, starts, plain }: Sweep,
  editOf: (rows: readonly Change[]) => PointEdit[],
): Promise<number[]> {
  const values: number[] = [];
  const isPair = starts.some((name) => name.startsWith('decoder.'));
  const own: OfLast = isPair ? { measure } : lastOf(measure, inputs, plain.logits);
  for (let first = 0; first < changes.length; first += batchSize) {
    throwIfAborted(signal);
    const rows = changes.slice(first, first + batchSize);
    const start = starts.find((name) => rows[0]?.point.startsWith(layerOf(name)));
    const begin =
      start === undefined ? [] : [{ at: start, replace: captureOf(plain.captured, start) }];
    const output = await model.forward(repeated(inputs, rows.length), {
      edit: [...begin, ...editOf(rows)],
      ...(own.kept !== undefined && { logitsToKeep: own.kept }),
      ...(signal !== undefined && { signal }),
    });
    values.push(...measured(own.measure, logitsOf(output).logits));
  }
  return values;
}

/** What the layers of a model's stacks are given. */
async function startsOf(model: Model): Promise<string[]> {
  const points = await pointsOf(model);
  const isStart = (name: string): boolean => /(?:^|\.)layers\.\d+\.input$/.test(name);
  return points.flatMap(({ name }) => (isStart(name) ? [name] : []));
}

/** `layers.3.` of `layers.3.input`. */
function layerOf(start: string): string {
  return start.slice(0, -'input'.length);
}

/** The corrupted activation for each row, with the clean one at its position. */
function patch(
  point: string,
  rows: readonly Patched[],
  { data: clean, shape }: DenseTensor,
  { data: corrupted }: DenseTensor,
): PointEdit {
  const size = corrupted.length;
  const width = size / (shape[1] ?? 1);
  const all = new Float32Array(rows.length * size);
  const sequences = rows.flatMap((row, i) => (row.point === point ? [i] : []));
  for (const row of sequences) {
    const at = (rows[row]?.position ?? 0) * width;
    all.set(corrupted, row * size);
    all.set(clean.subarray(at, at + width), row * size + at);
  }
  const replace = { data: all, shape: [rows.length, ...shape.slice(1)] };
  return { at: point, replace, sequences };
}

function expectAlike(point: string, one: DenseTensor, other: DenseTensor): void {
  if (one.shape.join() === other.shape.join() && one.shape.length > 2) return;
  throw new TransformerError(
    'INPUT_INVALID',
    `At ${point} the clean run is (${one.shape.join(', ')}) and the corrupted one (${other.shape.join(', ')}); wanted ` +
      'tokens of one number. Pass texts of as many tokens, and points that have some.',
  );
}

/** Options of `ablateHeads`. */
export interface AblationOptions extends CallOptions {
  /** What is measured. */
  measure: Measure;
  /** What takes the place of a head's output: zeros (default), or its mean over the positions of the run. */
  replace?: 'zero' | 'mean';
  /** Sequences that are computed at a time; 32 by default. */
  batchSize?: number;
}

/** What heads do. */
export interface HeadEffects {
  /** Each attention, `layers.0.selfAttention.heads` say. */
  readonly points: readonly string[];
  /** What is measured with a head switched off less what is measured with all: of each attention and head. */
  readonly effects: readonly (readonly number[])[];
  /** What is measured with all of them. */
  readonly plain: number;
}

/**
 * What each head has to do with an answer: it is switched off, one head a sequence. "Are Sixteen Heads Really Better than
 * One?" (Michel et al. 2019, arXiv 1905.10650, §3.2).
 * @throws TransformerError OPTION_INVALID, OPTION_UNKNOWN, INPUT_INVALID, MODEL_UNSUPPORTED, ABORTED
 * @example
 * const { effects } = await ablateHeads(model, inputs, { measure: { id: 42 } });
 */
export async function ablateHeads(
  model: Model,
  inputs: ModelInputs,
  options: AblationOptions,
): Promise<HeadEffects> {
  const known = ['measure', 'replace', 'batchSize', 'signal'];
  refuseUnknown(options, known, 'option of ablateHeads');
  const { measure, replace = 'zero', batchSize = 32, signal } = options;
  checkMeasure(measure);
  checkCount('batchSize', batchSize, 1024);
  if (!['zero', 'mean'].includes(replace)) {
    throw invalidOption('replace', replace, "'zero' or 'mean'");
  }
  const points = (await pointsOf(model)).flatMap(({ name, shape }) =>
    name.endsWith('.heads') ? [{ name, heads: Number(shape[2]) }] : [],
  );
  const passing = signal !== undefined && { signal };
  const starts = await startsOf(model);
  const capture = [...starts, ...(replace === 'mean' ? points.map(({ name }) => name) : [])];
  const whole = logitsOf(await model.forward(repeated(inputs, 1), { capture, ...passing }));
  const [plain = 0] = measured(measure, whole.logits);
  const all = points.flatMap(({ name, heads }) =>
    Array.from({ length: heads }, (_, head) => ({ point: name, head })),
  );
  const sweeping = { measure, batchSize, signal, starts, plain: whole };
  const values = await sweep(model, inputs, all, sweeping, (rows) =>
    rows.map(({ point, head }, row) => ({
      at: point,
      heads: [head],
      sequences: [row],
      replace: replace === 'zero' ? 0 : meanOf(captureOf(whole.captured, point), head),
    })),
  );
  const effects = values.map((value) => value - plain);
  return {
    points: points.map(({ name }) => name),
    effects: points.map(({ name }) => effects.filter((_, i) => all[i]?.point === name)),
    plain,
  };
}

/** A head's output, (1, T, heads, d_k), over its positions. */
function meanOf({ data, shape }: DenseTensor, head: number): number[] {
  const [, tokens = 1, heads = 1, size = 1] = shape;
  const mean = Array<number>(size).fill(0);
  for (let token = 0; token < tokens; token++) {
    const first = (token * heads + head) * size;
    for (let i = 0; i < size; i++) mean[i] = (mean[i] ?? 0) + (data[first + i] ?? 0) / tokens;
  }
  return mean;
}
