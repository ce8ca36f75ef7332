// What a model would say if it stopped at a layer.

import { isA, refuseUnknown, TransformerError } from '../runtime/errors.ts';
import { isListOf } from '../runtime/lists.ts';
import type { DenseTensor } from '../model/inputs/inputs.ts';
import type { Model, ModelInputs } from '../model/model.ts';
import { checkWhole, invalidOption, trainableOf } from '../training/check.ts';
import '../training/trainable-models.ts';
import { checkTensor, pointsOf } from './checks.ts';
import { type CallOptions, captureOf, layersOf, prefixOf, repeated } from './runs.ts';
import { TunedLens } from './tuned-lens.ts';

/** Options of `logitLens`. */
export interface LensOptions extends CallOptions {
  /** Tokens of each cell; 5 by default. */
  topK?: number;
  /** The positions that are read, below the number of tokens; all by default. */
  positions?: readonly number[];
  /** What brings the residual stream of a layer to the last one's before it is read; as it is when absent. */
  tuned?: TunedLens;
}

/** What a lens reads. */
export interface LensReading {
  /** What is read: what the first layer is given, then what is behind each layer. */
  readonly points: readonly string[];
  /** The positions that are read, in this order. */
  readonly positions: readonly number[];
  /** The likeliest tokens of each point and position, the first one the likeliest. */
  readonly tokens: readonly (readonly (readonly number[])[])[];
  /** How likely each of them is. */
  readonly probabilities: readonly (readonly (readonly number[])[])[];
}

/**
 * The logit lens: the final norm and the output layer read the residual stream behind each layer ("interpreting GPT: the
 * logit lens", nostalgebraist 2020); with `tuned` the tuned lens ("Eliciting Latent Predictions from Transformers with
 * the Tuned Lens", Belrose et al. 2023, arXiv 2303.08112, §3). `inputs`: of one sequence.
 * @throws TransformerError OPTION_INVALID, OPTION_UNKNOWN, INPUT_INVALID, MODEL_UNSUPPORTED, ABORTED
 * @example
 * const { points, tokens } = await logitLens(model, { inputIds: [[464, 6193, 286]] });
 */
export async function logitLens(
  model: Model,
  inputs: ModelInputs,
  options: LensOptions = {},
): Promise<LensReading> {
  refuseUnknown(options, ['topK', 'positions', 'tuned', 'signal'], 'option of logitLens');
  const { topK = 5, tuned, signal } = options;
  checkWhole('topK', topK, 1);
  if (tuned !== undefined && !isA(tuned, TunedLens)) {
    throw invalidOption('tuned', tuned, 'what loadTunedLens resolves with');
  }
  const all = await pointsOf(model);
  const prefix = prefixOf(all);
  const layers = layersOf(all, prefix);
  const points = [
    `${prefix}embeddings`,
    ...layers.map((layer) => `${prefix}layers.${layer}.output`),
  ];
  const { captured = {} } = await model.forward(repeated(inputs, 1), {
    capture: points,
    ...(signal !== undefined && { signal }),
  });
  const states = points.map((name) => captureOf(captured, name));
  const [tokens = 0, size = 0] = states[0]?.shape.slice(1) ?? [];
  const positions = positionsOf(options.positions, tokens);
  const rows = new Float32Array(points.length * positions.length * size);
  states.forEach(({ data }, point) => {
    positions.forEach((position, i) => {
      const state = data.subarray(position * size, (position + 1) * size);
      const read = tuned === undefined ? state : tuned.translate(state, point, points.length - 1);
      rows.set(read, (point * positions.length + i) * size);
    });
  });
  const shape = [points.length, positions.length, size];
  const logits = await unembed(model, { data: rows, shape });
  const width = logits.shape.at(-1) ?? 0;
  const cells = points.map((_, point) =>
    positions.map((_position, i) => {
      const first = (point * positions.length + i) * width;
      return likeliest(logits.data.subarray(first, first + width), topK);
    }),
  );
  return {
    points,
    positions,
    tokens: cells.map((row) => row.map((cell) => cell.map(([token]) => token))),
    probabilities: cells.map((row) =>
      row.map((cell) => cell.map(([, probability]) => probability)),
    ),
  };
}

/**
 * What the final norm and the output layer of a language model make of residual streams: (B, T, d_model) to logits,
 * (B, T, V).
 * @throws TransformerError INPUT_INVALID, MODEL_UNSUPPORTED
 */
export async function unembed(model: Model, states: DenseTensor): Promise<DenseTensor> {
  const trainable = trainableOf('The model', model);
  const prefix = prefixOf(await pointsOf(model));
  checkTensor('states', states, 'of shape (B, T, d_model)', ({ length }) => length === 3);
  const [batch = 0, tokens = 0] = states.shape;
  const ids = Array.from({ length: batch }, () => Array<number>(tokens).fill(0));
  using bare = trainable.behindLayers();
  const inputs =
    prefix === '' ? { inputIds: ids } : { inputIds: ids.map(() => [0]), decoderInputIds: ids };
  const edit = [{ at: `${prefix}embeddings`, replace: states }];
  const { logits } = await bare.forward(inputs, { edit });
  if (logits?.shape.length === 3) return logits;
  throw new TransformerError(
    'MODEL_UNSUPPORTED',
    'This model gives no logits of every token. Load a language model, masked or not.',
  );
}

function positionsOf(given: readonly number[] | undefined, tokens: number): readonly number[] {
  if (given === undefined) return Array.from({ length: tokens }, (_, i) => i);
  const isPosition = (one: unknown): boolean =>
    Number.isInteger(one) && Number(one) >= 0 && Number(one) < tokens;
  if (isListOf(given, isPosition) && given.length > 0) return given;
  throw invalidOption('positions', given, `whole numbers from 0 to ${tokens - 1}`);
}

/** The tokens with the largest logits, and their probabilities. */
function likeliest(
  logits: Float32Array,
  count: number,
): (readonly [token: number, probability: number])[] {
  const best: number[] = [];
  const isBelow = (one: number, other: number): boolean =>
    (logits[one] ?? 0) < (logits[other] ?? 0);
  for (let token = 0; token < logits.length; token++) {
    if (best.length === count && !isBelow(best.at(-1) ?? 0, token)) continue;
    let place = best.length;
    while (place > 0 && isBelow(best[place - 1] ?? 0, token)) place--;
    best.splice(place, 0, token);
    best.length = Math.min(best.length, count);
  }
  const most = logits[best[0] ?? 0] ?? 0;
  const sum = logits.reduce((total, logit) => total + Math.exp(logit - most), 0);
  return best.map((token) => [token, Math.exp((logits[token] ?? 0) - most) / sum]);
}
