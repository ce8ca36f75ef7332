// Which heads look where: on the token before, or on what came behind the token at hand when it stood there first.

import { refuseUnknown, throwIfAborted, TransformerError } from '../runtime/errors.ts';
import { isListOf } from '../runtime/lists.ts';
import { show } from '../runtime/print.ts';
import type { DenseTensor } from '../model/inputs/inputs.ts';
import type { Model } from '../model/model.ts';
import { Random } from '../model/random.ts';
import { checkWhole, invalidOption } from '../training/check.ts';
import { checkCount, pointsOf } from './checks.ts';
import { type CallOptions, captureOf, layersOf } from './runs.ts';

/** Options of head scores: of the texts that they are taken on. */
export interface HeadScoreOptions extends CallOptions {
  /** Tokens that are drawn for a text, and follow once more; 25 by default. */
  length?: number;
  /** Texts; 8 by default. */
  texts?: number;
  /** Tokens in front of each, as the one that texts begin with; none by default. */
  begin?: readonly number[];
  /** Of the draw; 0 by default. */
  seed?: number;
}

/** The score of each head, from 0 to 1: a row for each layer that attends. */
export type HeadScores = readonly (readonly number[])[];

/**
 * Prefix matching: how much each head of a language model looks, from a token that was there before, to what came behind
 * it then. Texts are tokens at random, twice. "In-context Learning and Induction Heads" (Olsson et al. 2022,
 * arXiv 2209.11895, "Head activation evaluators").
 * @throws TransformerError OPTION_INVALID, OPTION_UNKNOWN, MODEL_UNSUPPORTED, ABORTED
 * @example
 * const scores = await inductionScores(model); // scores[5][1]: head 1 of layer 5
 */
export function inductionScores(model: Model, options: HeadScoreOptions = {}): Promise<HeadScores> {
  return scoresOf(model, options, ({ first, length }) =>
    Array.from({ length }, (_, i) => {
      const query = first + length + i;
      return [query, query - length + 1];
    }),
  );
}

/**
 * How much each head of a language model looks to the token before, on the same texts (Olsson et al. 2022).
 * @throws TransformerError OPTION_INVALID, OPTION_UNKNOWN, MODEL_UNSUPPORTED, ABORTED
 */
export function previousTokenScores(
  model: Model,
  options: HeadScoreOptions = {},
): Promise<HeadScores> {
  return scoresOf(model, options, ({ first, length }) =>
    Array.from({ length: first + 2 * length - 1 }, (_, i) => [i + 1, i]),
  );
}

/** Where the tokens of a text are that are drawn. */
interface Drawn {
  readonly first: number;
  readonly length: number;
}

type Pair = readonly [query: number, key: number];

async function scoresOf(
  model: Model,
  options: HeadScoreOptions,
  pairsOf: (drawn: Drawn) => Pair[],
): Promise<HeadScores> {
  refuseUnknown(options, ['length', 'texts', 'begin', 'seed', 'signal'], 'option of head scores');
  const { length = 25, texts = 8, begin = [], seed = 0, signal } = options;
  checkCount('texts', texts, 10_000);
  checkWhole('seed', seed, 0);
  if (!isListOf(begin, Number.isInteger)) {
    throw new TransformerError('OPTION_INVALID', `begin is ${show(begin)}; wanted token ids.`);
  }
  const points = await pointsOf(model);
  const room = Math.floor((model.maxPositions - begin.length) / 2);
  if (!Number.isInteger(length) || length < 2 || length > Math.min(room, 10_000)) {
    throw invalidOption('length', length, `a whole number from 2 to ${Math.min(room, 10_000)}`);
  }
  const attending = layersOf(points, '')
    .map((layer) => `layers.${layer}.selfAttention.weights`)
    .filter((name) => points.some((point) => point.name === name));
  const vocabulary = Number(model.config['vocab_size']);
  if (attending.length === 0 || !Number.isInteger(vocabulary)) {
    throw new TransformerError(
      'MODEL_UNSUPPORTED',
      'Head scores are of language models of one stack whose config.json has a vocab_size.',
    );
  }
  const random = new Random(seed);
  const pairs = pairsOf({ first: begin.length, length });
  const sums = new Map<string, number[]>();
  for (let text = 0; text < texts; text++) {
    throwIfAborted(signal);
    const drawn = Array.from({ length }, () => random.integer(0, vocabulary - 1));
    const inputs = { inputIds: [[...begin, ...drawn, ...drawn]] };
    const { captured = {} } = await model.forward(inputs, {
      capture: attending,
      ...(signal !== undefined && { signal }),
    });
    for (const name of attending) {
      const means = meansOf(captureOf(captured, name), pairs);
      const sum = sums.get(name);
      sums.set(name, sum?.map((value, head) => value + (means[head] ?? 0)) ?? means);
    }
  }
  return attending.map((name) => (sums.get(name) ?? []).map((sum) => sum / texts));
}

/** The mean weight of these pairs, of each head. weights: (1, heads, T, T). */
function meansOf({ data, shape }: DenseTensor, pairs: readonly Pair[]): number[] {
  const [, heads = 0, tokens = 0] = shape;
  return Array.from({ length: heads }, (_, head) => {
    const sum = pairs.reduce(
      (total, [query, key]) => total + (data[(head * tokens + query) * tokens + key] ?? 0),
      0,
    );
    return sum / pairs.length;
  });
}
