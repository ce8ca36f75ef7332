// What each part of a model adds to a logit.

import { refuseUnknown, TransformerError } from '../runtime/errors.ts';
import type { DenseTensor } from '../model/inputs/inputs.ts';
import type { Model, ModelInputs } from '../model/model.ts';
import type { ModelPoint } from '../model/points/point-options.ts';
import { checkSwitch, trainableOf } from '../training/check.ts';
import '../training/trainable-models.ts';
import { pointsOf } from './checks.ts';
import { slopesAt } from './gradients.ts';
import { checkTarget, placeOf, type Target, targetOf } from './measure.ts';
import { type CallOptions, captureOf, layersOf, logitsOf, prefixOf, repeated } from './runs.ts';

/** Options of `directAttribution`. */
export interface AttributionOptions extends CallOptions {
  /** The logit, or logit difference, that is told apart. */
  target: Target;
  /** Whether attention is told apart by head; false by default. */
  heads?: boolean;
}

/** What each part adds to a logit. */
export interface DirectAttribution {
  /** `embeddings`, then the sub-layers in their order, `layers.0.selfAttention` say, or their heads, `layers.0.head.3`. */
  readonly parts: readonly string[];
  /** What each adds to the target. */
  readonly values: readonly number[];
  /** What is there without any: of the biases of the final norm and of the output layer. */
  readonly rest: number;
  /** The logit, or logit difference: the sum of all these. */
  readonly target: number;
}

/**
 * Direct logit attribution: the residual stream is a sum of what its parts add, and behind the final norm, whose scale is
 * held as it is in this run, so is a logit. "A Mathematical Framework for Transformer Circuits" (Elhage et al. 2021,
 * transformer-circuits.pub). Of language models whose layers add to one residual stream. `inputs`: of one sequence.
 * @throws TransformerError OPTION_INVALID, OPTION_UNKNOWN, INPUT_INVALID, MODEL_UNSUPPORTED, ABORTED
 * @example
 * const { parts, values } = await directAttribution(model, inputs, { target: { id: 42, against: 17 }, heads: true });
 */
export async function directAttribution(
  model: Model,
  inputs: ModelInputs,
  options: AttributionOptions,
): Promise<DirectAttribution> {
  refuseUnknown(options, ['target', 'heads', 'signal'], 'option of directAttribution');
  const { target, heads = false, signal } = options;
  checkTarget(target);
  checkSwitch('heads', heads);
  const points = await pointsOf(model);
  const prefix = prefixOf(points);
  const names = new Set(points.map(({ name }) => name));
  const layers = layersOf(points, prefix).map((layer) => `${prefix}layers.${layer}`);
  const steps = layers.flatMap((layer) => stepsOf(layer, names));
  const [begin, end] = [`${prefix}embeddings`, `${layers.at(-1) ?? ''}.output`];
  const capture = new Set([
    begin,
    end,
    ...steps.flatMap(({ from, to, added }) => [from ?? to, to, added]),
    ...(heads ? layers.map((layer) => `${layer}.input`) : []),
  ]);
  const one = repeated(inputs, 1);
  const passing = signal !== undefined && { signal };
  const whole = logitsOf(await model.forward(one, { capture: [...capture], ...passing }));
  const { first } = placeOf(target, whole.logits.shape.slice(1));
  const position = first / (whole.logits.shape.at(-1) ?? 1);
  const stateAt = (name: string): Float32Array =>
    stateOf(captureOf(whole.captured, name), 0, position);
  const added: Part[] = [{ part: begin, vector: stateAt(begin) }];
  const byHead = heads
    ? await headsOf(model, inputs, { layers, points, captured: whole.captured, position, passing })
    : new Map<string, Part[]>();
  for (const { part, from, to, added: own } of steps) {
    const vector = from === undefined ? stateAt(to) : less(stateAt(to), stateAt(from));
    expectAlong(vector, stateAt(own));
    const byOwn = byHead.get(part) ?? [];
    // What is left where heads are told apart: the bias behind them.
    const left = byOwn.reduce((rest, head) => less(rest, head.vector), vector);
    added.push(...byOwn, { part, vector: left });
  }
  const state = stateAt(end);
  expectSum(added, state);
  const slope = await slopesAt(model, one, { target, at: `${prefix}output`, ...passing });
  const along = await readAlong(model, { prefix, state, slope: stateOf(slope, 0, position) });
  const values = added.map(({ vector }) => along(vector));
  const sum = targetOf(target, whole.logits, 0);
  const rest = sum - values.reduce((total, value) => total + value, 0);
  return { parts: added.map(({ part }) => part), values, rest, target: sum };
}

/** What a part adds to the residual stream of a position, (d). */
interface Part {
  readonly part: string;
  readonly vector: Float32Array;
}

/** The points that a sub-layer stands between; its output alone where several are added at once. */
interface Step {
  readonly part: string;
  readonly from?: string;
  readonly to: string;
  /** What is added, maybe times a number. */
  readonly added: string;
}

function stepsOf(layer: string, names: ReadonlySet<string>): Step[] {
  const parts = ['selfAttention', 'crossAttention', 'feedForward']
    .map((name) => `${layer}.${name}`)
    .filter((part) => names.has(`${part}.output`));
  if (!names.has(`${layer}.selfAttention.residual`)) {
    return parts.map((part) => ({ part, to: `${part}.output`, added: `${part}.output` }));
  }
  let from = `${layer}.input`;
  return parts.map((part, i) => {
    const to = i === parts.length - 1 ? `${layer}.output` : `${part}.residual`;
    const after = `${part}.afterNorm`;
    const step = { part, from, to, added: names.has(after) ? after : `${part}.output` };
    from = to;
    return step;
  });
}

/** One position of a sequence, (d) of (B, T, d). */
function stateOf({ data, shape }: DenseTensor, sequence: number, position: number): Float32Array {
  const [, tokens = 1, size = 1] = shape;
  const first = (sequence * tokens + position) * size;
  return data.subarray(first, first + size);
}

function less(one: Float32Array, other: Float32Array): Float32Array {
  return one.map((value, i) => value - (other[i] ?? 0));
}

/** Refuses models of which a sub-layer does more to the residual stream than add its output, times a number maybe. */
function expectAlong(vector: Float32Array, output: Float32Array): void {
  const factor = dot(vector, output) / dot(output, output);
  expectNear(
    vector,
    output.map((value) => factor * value),
  );
}

/** Refuses models whose residual stream is more, or less, than what its parts add. */
function expectSum(parts: readonly Part[], state: Float32Array): void {
  const sum = parts.reduce(
    (total, { vector }) => total.map((value, i) => value + (vector[i] ?? 0)),
    new Float32Array(state.length),
  );
  expectNear(state, sum);
}

function expectNear(vector: Float32Array, wanted: Float32Array): void {
  const off = less(vector, wanted);
  if (dot(off, off) <= 1e-6 * dot(vector, vector)) return;
  throw new TransformerError(
    'MODEL_UNSUPPORTED',
    'The residual stream of this model is not the sum of what its layers add: it is normalized or scaled between them. ' +
      'Patch activations, or take gradients.',
  );
}

/** What each head adds in its layer: the output of attention less that without it, each layer given what it was. */
async function headsOf(
  model: Model,
  inputs: ModelInputs,
  {
    layers,
    points,
    captured,
    position,
    passing,
  }: {
    readonly layers: readonly string[];
    readonly points: readonly ModelPoint[];
    readonly captured: Readonly<Record<string, DenseTensor>>;
    readonly position: number;
    readonly passing: false | CallOptions;
  },
): Promise<Map<string, Part[]>> {
  const names = new Set(points.map(({ name }) => name));
  const attending = layers.flatMap((layer) => {
    const heads = points.find(({ name }) => name === `${layer}.selfAttention.heads`);
    if (heads === undefined) return [];
    if (names.has(`${layer}.selfAttention.afterNorm`)) {
      throw new TransformerError(
        'MODEL_UNSUPPORTED',
        'A norm stands behind the attention of this model, so heads add nothing by themselves. Pass heads: false.',
      );
    }
    return [{ layer, count: Number(heads.shape[2]) }];
  });
  const most = attending.reduce((count, one) => Math.max(count, one.count), 0);
  const output = await model.forward(repeated(inputs, most + 1), {
    ...passing,
    capture: attending.map(({ layer }) => `${layer}.selfAttention.output`),
    edit: attending.flatMap(({ layer, count }) => [
      { at: `${layer}.input`, replace: captureOf(captured, `${layer}.input`) },
      ...Array.from({ length: count }, (_, head) => ({
        at: `${layer}.head.${head}`,
        replace: 0,
        sequences: [head],
      })),
    ]),
  });
  return new Map(
    attending.map(({ layer, count }) => {
      const tensor = captureOf(output.captured ?? {}, `${layer}.selfAttention.output`);
      const whole = stateOf(tensor, most, position);
      const parts = Array.from({ length: count }, (_, head) => ({
        part: `${layer}.head.${head}`,
        vector: less(whole, stateOf(tensor, head, position)),
      }));
      return [`${layer}.selfAttention`, parts];
    }),
  );
}

/**
 * What a vector in the residual stream adds to the target, the scale of the final norm held as it is for `state`.
 * `slope`: the gradient of the target behind the norm.
 */
async function readAlong(
  model: Model,
  {
    prefix,
    state,
    slope,
  }: {
    readonly prefix: string;
    readonly state: Float32Array;
    readonly slope: Float32Array;
  },
): Promise<(vector: Float32Array) => number> {
  const trainable = trainableOf('The model', model);
  const { stacks } = trainable;
  const { finalNorm, projection } = stacks.decoder ?? stacks.encoder ?? {};
  if (projection !== undefined) {
    throw new TransformerError(
      'MODEL_UNSUPPORTED',
      'The states of this model are projected to another width behind its layers. Patch activations, or take gradients.',
    );
  }
  const size = state.length;
  if (finalNorm === undefined) return (vector) => dot(slope, vector);
  const isCentred = 'bias' in finalNorm;
  const scaleOf = (values: Float32Array): number => {
    const mean = isCentred ? meanOf(values) : 0;
    const square = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / size;
    return Math.sqrt(square + finalNorm.eps);
  };
  // What the norm makes of a vector and of its opposite tells its gain, whatever its bias.
  const probe = Float32Array.from({ length: size }, (_, i) => (i % 2 === 0 ? 1 : -1));
  const pair = Float32Array.from({ length: 2 * size }, (_, i) =>
    i < size ? (probe[i] ?? 0) : -(probe[i - size] ?? 0),
  );
  using bare = trainable.behindLayers();
  const ids = [[0, 0]];
  const { captured = {} } = await bare.forward(
    prefix === '' ? { inputIds: ids } : { inputIds: [[0]], decoderInputIds: ids },
    {
      edit: [{ at: `${prefix}embeddings`, replace: { data: pair, shape: [1, 2, size] } }],
      capture: [`${prefix}output`],
    },
  );
  const normed = captureOf(captured, `${prefix}output`);
  const [there, back] = [stateOf(normed, 0, 0), stateOf(normed, 0, 1)];
  const [own, mean] = [scaleOf(probe), isCentred ? meanOf(probe) : 0];
  const weights = slope.map((value, i) => {
    const gain = (((there[i] ?? 0) - (back[i] ?? 0)) / 2 / ((probe[i] ?? 1) - mean)) * own;
    return value * gain;
  });
  const scale = scaleOf(state);
  return (vector) => {
    const centre = isCentred ? meanOf(vector) : 0;
    return (
      weights.reduce((sum, weight, i) => sum + weight * ((vector[i] ?? 0) - centre), 0) / scale
    );
  };
}

function meanOf(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function dot(one: Float32Array, other: Float32Array): number {
  return one.reduce((sum, value, i) => sum + value * (other[i] ?? 0), 0);
}
