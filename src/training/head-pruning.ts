// Attention heads: how much each one matters, and taking some away (Michel, Levy and Neubig 2019, "Are
// Sixteen Heads Really Better than One?", arXiv 1905.10650).

import { fieldsOf, refuseUnknown, throwIfAborted, TransformerError } from '../runtime/errors.ts';
import { show } from '../runtime/print.ts';
import { readBack } from '../runtime/read-back.ts';
import { Scope } from '../runtime/scope.ts';
import type { Tensor } from '../runtime/tensor.ts';
import type { SelfAttentionWeights } from '../model/layers/attention.ts';
import type { TokenMixer } from '../model/layers/token-mixer.ts';
import type { Model, ModelInputs } from '../model/model.ts';
import { PlanCache } from '../model/plan-cache.ts';
import type { TrainableModel } from '../model/trainable-model.ts';
import { checkBatches, checkSwitch, checkWhole, invalidOption } from './check.ts';
import { GradientPlan } from './gradient-plan.ts';
import { labelCrossEntropy } from './objective.ts';
import { PruningMask, subjectOf } from './pruning-mask.ts';
import type { Trainer } from './trainer.ts';

/** Self-attention of the encoder or the decoder, or the decoder's attention to the encoder. */
export type AttentionStack = 'encoder' | 'decoder' | 'cross' | 'text' | 'vision';

/** One head: layers and heads count from 0. */
export interface AttentionHead {
  /** The stack that its layer is in. */
  readonly stack: AttentionStack;
  /** The layer, from 0. */
  readonly layer: number;
  /** The head of the layer, from 0. */
  readonly head: number;
}

/** A head and what it is worth. */
export interface HeadScore extends AttentionHead {
  /** How much the loss depends on the head, at least 0. */
  readonly score: number;
}

/** How heads are scored. */
export interface ScoreHeadsOptions {
  /** Whether the scores of a layer's attention are divided by their ℓ₂ norm (§4.1); true by default. */
  normalize?: boolean;
  /** Lengths are padded to multiples of this, so that lists are reused; 8 by default. */
  padToMultipleOf?: number;
  /** Cancels the call, which then rejects with `ABORTED`. */
  signal?: AbortSignal;
}

/** These heads, or as many of the lowest scores as shall be gone, those without weights included. */
export type PruneHeadsOptions =
  | { heads: readonly AttentionHead[] }
  | { count: number; scores: readonly HeadScore[] };

/** The same as a caller without types may pass it. */
interface GivenOptions {
  readonly heads?: readonly AttentionHead[];
  readonly count?: number;
  readonly scores?: readonly HeadScore[];
}

/** A head that was taken out. */
export interface PrunedHead extends AttentionHead {
  /** The output projection whose columns became zero. */
  readonly name: string;
}

/** The heads that were taken out. */
export interface PrunedHeads {
  /** All of them, in order. */
  readonly heads: readonly PrunedHead[];
  /** Keeps the heads away in a trainer that is made later: `await mask.keepIn(trainer)`. */
  readonly mask: PruningMask;
}

/**
 * The output projection of an attention, (d_model, heads · d_k): head h has columns from h · d_k on. Heads
 * are those of queries, also where several share keys and values.
 */
interface Attention {
  readonly stack: AttentionStack;
  readonly layer: number;
  readonly heads: number;
  readonly name: string;
  readonly weight: Tensor;
}

/**
 * The importance of every head (§4.1): the mean over the batches of |∂L/∂ξ|, where the gate ξ = 1
 * multiplies the head's output, and L is the batch's mean loss without dropout. With batches of one
 * sequence this is the paper's score.
 *
 * An attention's output is y = Σₕ ξₕ · oₕ · Wₕᵀ + b, Wₕ being the head's columns of the output projection. So
 * ∂L/∂ξₕ = Σ ∂L/∂y ∘ (oₕ · Wₕᵀ) = Σ Wₕ ∘ (∂L/∂yᵀ · oₕ), and at ξ = 1 the second factor is ∂L/∂Wₕ: the
 * gradients of the projections are all that is needed.
 * @throws TransformerError OPTION_UNKNOWN, OPTION_INVALID, INPUT_INVALID, MODEL_UNSUPPORTED, ABORTED
 */
export async function scoreHeads(
  target: Model | Trainer,
  batches: Iterable<ModelInputs> | AsyncIterable<ModelInputs>,
  options: ScoreHeadsOptions = {},
): Promise<HeadScore[]> {
  refuseUnknown(options, ['normalize', 'padToMultipleOf', 'signal'], 'option of scoreHeads');
  const { normalize = true, padToMultipleOf = 8, signal } = options;
  checkBatches(batches);
  checkSwitch('normalize', normalize);
  checkWhole('padToMultipleOf', padToMultipleOf, 1);
  throwIfAborted(signal);
  const subject = subjectOf(target);
  const { gpu, model } = subject;
  const attentions = attentionsOf(model);
  const weights = attentions.map(({ weight }) => weight);
  const values = (await readBack(gpu, weights)).map((bytes) => new Float32Array(bytes));
  const sums = attentions.map(({ heads }) => new Float64Array(heads));
  const scope = new Scope(gpu);
  const plans = new PlanCache<GradientPlan>(8);
  let count = 0;
  try {
    const loss = scope.tensor({ label: 'loss', shape: [1], dtype: 'f32' });
    const places = weights.map(({ label, shape }) =>
      scope.tensor({ label: `d ${label}`, shape, dtype: 'f32' }),
    );
    const gradients = new Map(weights.flatMap((weight, i) => pairOf(weight, places[i])));
    const objective = labelCrossEntropy(0);
    for await (const inputs of batches) {
      throwIfAborted(signal);
      const prepared = { inputs, batch: model.prepare(inputs, padToMultipleOf) };
      const create = (): Promise<GradientPlan> =>
        GradientPlan.create(model, prepared, { scope, objective, gradients, loss });
      const { key, labels } = prepared.batch;
      await plans.share(key, create, (plan) => plan.play(prepared, labels));
      const slopes = (await readBack(gpu, places)).map((bytes) => new Float32Array(bytes));
      sums.forEach((sum, i) => addSlopes(sum, weights[i]?.size(-1) ?? 1, values[i], slopes[i]));
      count += 1;
    }
  } finally {
    plans.dispose();
    scope.dispose();
  }
  if (count === 0) {
    throw new TransformerError('INPUT_INVALID', 'There is no batch to score heads on. Pass some.');
  }
  return attentions.flatMap(({ stack, layer }, i) => {
    const scores = Array.from(sums[i] ?? [], (sum) => sum / count);
    const norm = normalize ? Math.hypot(...scores) : 1;
    return scores.map((score, index) => ({
      stack,
      layer,
      head: index,
      score: norm === 0 ? 0 : score / norm,
    }));
  });
}

/**
 * Takes heads away: their columns of the output projection become zero, so nothing of them reaches the
 * model (§2.2). In a trainer they stay away from its next step on; a model takes `mask` to its trainers.
 * @throws TransformerError OPTION_UNKNOWN, OPTION_INVALID, MODEL_UNSUPPORTED
 */
export async function pruneHeads(
  target: Model | Trainer,
  options: PruneHeadsOptions,
): Promise<PrunedHeads> {
  refuseUnknown(options, ['heads', 'count', 'scores'], 'option of pruneHeads');
  const subject = subjectOf(target);
  const attentions = attentionsOf(subject.model);
  const mask = new PruningMask(subject.parameters);
  const pruned: PrunedHead[] = [];
  for (const { stack, layer, head } of wantedHeads(options)) {
    const attention = attentions.find((one) => one.stack === stack && one.layer === layer);
    if (attention === undefined || !Number.isInteger(head) || head < 0 || head >= attention.heads) {
      throw noSuchHead({ stack, layer, head }, attentions);
    }
    const { name, heads, weight } = attention;
    const columns = weight.size(-1);
    const bytes = mask.of(weight);
    const size = columns / heads;
    const start = head * size;
    if (bytes[start] === 1) continue; // named twice
    for (let row = 0; row < bytes.length; row += columns) {
      bytes.fill(1, row + start, row + start + size);
    }
    pruned.push({ stack, layer, head, name });
  }
  await mask.apply(subject);
  return { heads: pruned, mask };
}

function wantedHeads({ heads, count, scores }: GivenOptions): readonly AttentionHead[] {
  if (heads !== undefined) {
    if (count === undefined && scores === undefined) return headsIn('heads', heads);
    throw new TransformerError(
      'OPTION_INVALID',
      'pruneHeads got heads and also a count or scores. Name the heads, or pass count and scores.',
    );
  }
  const known = headsIn('scores', scores ?? []).length;
  const isCount = count !== undefined && Number.isInteger(count) && count >= 0 && count <= known;
  if (scores === undefined || !isCount) {
    throw new TransformerError(
      'OPTION_INVALID',
      `pruneHeads got ${count === undefined ? 'no heads' : `count ${show(count)}`} and ${known} scores; ` +
        'wanted heads, or the scores of all heads from scoreHeads and at most as many as count.',
    );
  }
  for (const { score } of scores) {
    if (typeof score !== 'number' || Number.isNaN(score))
      throw invalidOption('score', score, 'a number');
  }
  return scores.toSorted((a, b) => a.score - b.score).slice(0, count);
}

/** A list of heads, whatever they are. Errors: OPTION_INVALID, INPUT_INVALID. */
function headsIn<Head extends AttentionHead>(name: string, list: readonly Head[]): readonly Head[] {
  if (!Array.isArray(list)) throw invalidOption(name, list, 'a list of { stack, layer, head }');
  const heads: readonly Head[] = list;
  Array.from(heads).forEach((head, index) => fieldsOf(head, `${name}[${index}]`));
  return heads;
}

function noSuchHead(
  { stack, layer, head }: AttentionHead,
  attentions: readonly Attention[],
): TransformerError {
  const known = attentions.map((one) => `${one.stack} ${one.layer} (${one.heads} heads)`);
  return new TransformerError(
    'OPTION_INVALID',
    `The model has no head ${show(head)} in layer ${show(layer)} of stack ${show(stack)}. Counted from 0, it has: ` +
      `${known.join(', ')}.`,
  );
}

/**
 * The attentions of a model's layers; in a decoder's, that to itself comes first. Of layers that share their weights
 * (ALBERT), the first.
 */
function attentionsOf({ stacks, slices }: TrainableModel): Attention[] {
  const found: Attention[] = [];
  const add = (
    stack: AttentionStack,
    layer: number,
    attention: Pick<SelfAttentionWeights, 'heads' | 'output'> | TokenMixer | undefined,
  ): void => {
    if (attention === undefined || 'memory' in attention) return;
    const { heads, output } = attention;
    const { weight } = output;
    if (found.some((one) => one.weight === weight)) return;
    const { name = '' } = slices.find(({ tensor }) => tensor === weight) ?? {};
    found.push({ stack, layer, heads, weight, name });
  };
  for (const name of ['encoder', 'text', 'vision'] as const) {
    stacks[name]?.layers.forEach(({ selfAttention }, layer) => add(name, layer, selfAttention));
  }
  stacks.decoder?.layers.forEach(({ selfAttention, crossAttention }, layer) => {
    add('decoder', layer, selfAttention);
    add('cross', layer, crossAttention);
  });
  return found;
}

function pairOf(weight: Tensor, place: Tensor | undefined): (readonly [Tensor, Tensor])[] {
  return place === undefined ? [] : [[weight, place]];
}

/** Adds |Σ W ∘ dW| over the columns of each head, one sum a head. */
function addSlopes(
  sums: Float64Array,
  columns: number,
  weight: Float32Array = new Float32Array(0),
  gradient: Float32Array = new Float32Array(0),
): void {
  const slopes = new Float64Array(sums.length);
  weight.forEach((value, i) => {
    const head = Math.floor(((i % columns) * sums.length) / columns);
    slopes[head] = (slopes[head] ?? 0) + value * (gradient[i] ?? 0);
  });
  slopes.forEach((slope, head) => (sums[head] = (sums[head] ?? 0) + Math.abs(slope)));
}
