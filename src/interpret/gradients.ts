// Which tokens an answer hangs on, by the gradient of its logit.

import { refuseUnknown, throwIfAborted, TransformerError } from '../runtime/errors.ts';
import { gradients } from '../runtime/gradient.ts';
import { Plan } from '../runtime/plan.ts';
import type { Points } from '../runtime/points.ts';
import { Recording } from '../runtime/record.ts';
import { Scope } from '../runtime/scope.ts';
import { elements, type Tensor } from '../runtime/tensor.ts';
import { dropUnread } from '../runtime/unread.ts';
import { chosenTokens } from '../model/heads/chosen-tokens.ts';
import { crop, type DenseTensor } from '../model/inputs/inputs.ts';
import { recordLogits } from '../model/layers/logits.ts';
import type { Model, ModelInputs } from '../model/model.ts';
import type { TrainableModel, TrainingGraph } from '../model/trainable-model.ts';
import { gradientRules } from '../shaders/gradients.ts';
import { invalidOption, trainableOf } from '../training/check.ts';
import '../training/trainable-models.ts';
import { checkTarget, placeOf, type Target, type TargetPlace, targetOf } from './measure.ts';
import { type CallOptions, captureOf, logitsOf, prefixOf, repeated } from './runs.ts';
import { laidOut } from '../model/points/tapped.ts';
import { checkCount, isTensor, pointsOf } from './checks.ts';

/** Options of `inputGradients`. */
export interface GradientOptions extends CallOptions {
  /** The logit, or logit difference, that is explained. */
  target: Target;
  /**
   * Where gradients are taken: a point of (B, T, d), what the stack that gives the logits begins with by default. Of an
   * encoder's tokens: `encoder.embeddings`.
   */
  at?: string;
}

/** Options of `integratedGradients`. */
export interface IntegratedOptions extends GradientOptions {
  /** Steps of the way; 32 by default. */
  steps?: number;
  /** Where the way begins, (1, T, d); zeros by default. */
  baseline?: DenseTensor;
  /** Steps that are computed at a time; 16 by default. */
  batchSize?: number;
}

/** How much of an answer comes of each token. */
export interface TokenAttribution {
  /** Of each token: its numbers together. */
  readonly tokens: readonly number[];
  /** (1, T, d), of each number of the vectors. */
  readonly values: DenseTensor;
  /** The logit, or logit difference, that is explained. */
  readonly target: number;
}

/**
 * Gradient times input: "Not Just a Black Box: Learning Important Features Through Propagating Activation Differences"
 * (Shrikumar et al. 2016, arXiv 1605.01713, §2).
 * @throws TransformerError OPTION_INVALID, OPTION_UNKNOWN, INPUT_INVALID, MODEL_UNSUPPORTED, ABORTED
 */
export async function inputGradients(
  model: Model,
  inputs: ModelInputs,
  options: GradientOptions,
): Promise<TokenAttribution> {
  refuseUnknown(options, ['target', 'at', 'signal'], 'option of inputGradients');
  const way = await wayOf(model, inputs, options);
  const [gradient] = await slopes(way, [way.state.data], options.signal);
  return attributed(way, (i) => (gradient?.[i] ?? 0) * (way.state.data[i] ?? 0));
}

/**
 * Integrated gradients: the mean gradient along the straight way from a baseline to the vectors, times the way; with
 * enough steps they add up to what the target gains on it. "Axiomatic Attribution for Deep Networks" (Sundararajan et al.
 * 2017, arXiv 1703.01365, §3), by the midpoint rule.
 * @throws TransformerError OPTION_INVALID, OPTION_UNKNOWN, INPUT_INVALID, MODEL_UNSUPPORTED, ABORTED
 * @example
 * const { tokens } = await integratedGradients(model, inputs, { target: { id: 42 } });
 */
export async function integratedGradients(
  model: Model,
  inputs: ModelInputs,
  options: IntegratedOptions,
): Promise<TokenAttribution> {
  const known = ['target', 'at', 'steps', 'baseline', 'batchSize', 'signal'];
  refuseUnknown(options, known, 'option of integratedGradients');
  const { steps = 32, batchSize = 16, baseline, signal } = options;
  checkCount('steps', steps, 10_000);
  checkCount('batchSize', batchSize, 1024);
  const way = await wayOf(model, inputs, options);
  const to = way.state;
  if (
    baseline !== undefined &&
    !(isTensor(baseline) && baseline.shape.join() === to.shape.join())
  ) {
    throw invalidOption('baseline', baseline, `a tensor of shape (${to.shape.join(', ')})`);
  }
  const from = baseline?.data ?? new Float32Array(to.data.length);
  const mean = new Float64Array(to.data.length);
  for (let first = 0; first < steps; first += batchSize) {
    throwIfAborted(signal);
    const count = Math.min(batchSize, steps - first);
    const states = Array.from({ length: count }, (_, i) => {
      const part = (first + i + 0.5) / steps;
      return to.data.map((value, j) => (from[j] ?? 0) + part * (value - (from[j] ?? 0)));
    });
    for (const slope of await slopes(way, states, signal)) {
      slope.forEach((value, i) => (mean[i] = (mean[i] ?? 0) + value / steps));
    }
  }
  return attributed(way, (i) => ((to.data[i] ?? 0) - (from[i] ?? 0)) * (mean[i] ?? 0));
}

/** The gradient of a target at a point of one sequence, as the activation there: (1, T, d). Errors: as above. */
export async function slopesAt(
  model: Model,
  inputs: ModelInputs,
  options: GradientOptions,
): Promise<DenseTensor> {
  const way = await wayOf(model, inputs, options);
  const [data = new Float32Array()] = await slopes(way, [way.state.data], options.signal);
  return { data, shape: way.state.shape };
}

/** What gradients are taken of, and where. */
interface Way {
  readonly trainable: TrainableModel;
  readonly inputs: ModelInputs;
  readonly at: string;
  readonly target: Target;
  /** (1, T, d) */
  readonly state: DenseTensor;
  readonly logits: DenseTensor;
}

async function wayOf(model: Model, inputs: ModelInputs, options: GradientOptions): Promise<Way> {
  const trainable = trainableOf('The model', model);
  trainable.expectLoss();
  checkTarget(options.target);
  const { target, signal, at = `${prefixOf(await pointsOf(model))}embeddings` } = options;
  const one = repeated(inputs, 1);
  const passing = signal !== undefined && { signal };
  const output = logitsOf(await model.forward(one, { capture: [at], ...passing }));
  const state = captureOf(output.captured, at);
  if (state.shape.length !== 3) throw invalidOption('at', at, 'a point of (B, T, d)');
  return { trainable, inputs: one, at, target, state, logits: output.logits };
}

function attributed(
  { state, logits, target }: Way,
  valueOf: (index: number) => number,
): TokenAttribution {
  const [, tokens = 0, size = 0] = state.shape;
  const data = Float32Array.from({ length: state.data.length }, (_, i) => valueOf(i));
  return {
    tokens: Array.from({ length: tokens }, (_, token) =>
      data.subarray(token * size, (token + 1) * size).reduce((sum, value) => sum + value, 0),
    ),
    values: { data, shape: state.shape },
    target: targetOf(target, logits, 0),
  };
}

/** The gradients of the target where these states stand at the point, one a sequence. */
async function slopes(
  { trainable, inputs, at, target, state, logits }: Way,
  states: readonly Float32Array[],
  signal: AbortSignal | undefined,
): Promise<Float32Array[]> {
  throwIfAborted(signal);
  const shape = [states.length, ...state.shape.slice(1)];
  const many = repeated(inputs, states.length);
  const batch = trainable.prepare({ ...many, labels: labelsFor(many, logits, states.length) }, 1);
  const scope = new Scope(trainable.gpu);
  const recording = new Recording(scope, { training: true });
  try {
    const place = new Place(at, recording);
    const graph = recording.watched(place, () => trainable.record(recording, batch));
    const { scores, seeded, write } = scored(graph, target, logits.shape);
    const { tensor } = place;
    if (tensor === undefined) throw invalidOption('at', at, 'a point that the logits hang on');
    const seed = recording.persistent('seed', scores.shape);
    const found = gradients(recording, new Map([[scores, seed]]), [tensor], gradientRules);
    const gradient = found.get(tensor);
    if (gradient === undefined) throw new RangeError(`no gradient at ${at}`);
    // The logits themselves, say, and what comes before the point.
    dropUnread(recording, [gradient]);
    const plan = await Plan.create(recording, [gradient]);
    graph.write(plan, batch);
    write?.(plan);
    const all = new Float32Array(states.length * state.data.length);
    states.forEach((one, i) => all.set(one, i * state.data.length));
    plan.write(tensor, laidOut({ each: true, data: all, shape }, tensor.shape));
    plan.write(seed, seeded);
    const [bytes = new ArrayBuffer()] = await plan.play();
    const values = crop(new Float32Array(bytes), tensor.shape, shape);
    const size = state.data.length;
    return states.map((_, i) => values.subarray(i * size, (i + 1) * size));
  } finally {
    scope.dispose();
  }
}

/** Puts a tensor of its own in the place of a point. */
class Place implements Points {
  tensor: Tensor | undefined;
  readonly #at: string;
  readonly #recording: Recording;

  constructor(at: string, recording: Recording) {
    this.#at = at;
    this.#recording = recording;
  }

  has(path: string): boolean {
    return path === this.#at;
  }

  visit(_path: string, { shape }: Tensor): Tensor {
    this.tensor = this.#recording.persistent('state', shape);
    return this.tensor;
  }
}

/** Logits that gradients are taken of. */
interface Scored {
  readonly scores: Tensor;
  /** What reaches them: 1 for the target in each sequence, -1 for what it is set against. */
  readonly seeded: Float32Array<ArrayBuffer>;
  /** Writes which they are, before a play. */
  readonly write?: (plan: Plan) => void;
}

/** `shape`: of the logits of one sequence. Of those of tokens only the target's are recorded. */
function scored({ from }: TrainingGraph, target: Target, shape: readonly number[]): Scored {
  if ('logits' in from) {
    const { logits: scores } = from;
    return { scores, seeded: seedOf(placeOf(target, shape.slice(1)), scores.shape) };
  }
  if ('pending' in from) {
    const { x, layer } = from.pending;
    const place = placeOf(target, shape.slice(1));
    const position = place.first / (shape.at(-1) ?? 1);
    const chosen = chosenTokens(x);
    const scores = recordLogits({ x: chosen.states, layer });
    return {
      scores,
      seeded: seedOf({ ...place, first: 0 }, scores.shape),
      write: (plan) => chosen.write(plan, Array<number>(x.size(0)).fill(position)),
    };
  }
  throw new TransformerError(
    'MODEL_UNSUPPORTED',
    'Gradients are taken of the logits of language models and of classifiers of one class each.',
  );
}

/** Any labels that a batch of these inputs may have: what they say counts for nothing here. */
function labelsFor(
  { inputIds, decoderInputIds }: ModelInputs,
  { shape }: DenseTensor,
  count: number,
): NonNullable<ModelInputs['labels']> {
  if (shape.length < 3) return Array<number>(count).fill(0);
  const ids = decoderInputIds ?? inputIds ?? [];
  return ids.map((row) => row.map(() => 0));
}

/** Of (B, …) logits, of which a place is in each sequence. */
function seedOf(
  { first, id, against }: TargetPlace,
  [batch = 1, ...inner]: readonly number[],
): Float32Array<ArrayBuffer> {
  const size = elements(inner);
  const seed = new Float32Array(batch * size);
  for (let row = 0; row < batch; row++) {
    seed[row * size + first + id] = 1;
    if (against !== undefined) seed[row * size + first + against] = -1;
  }
  return seed;
}
