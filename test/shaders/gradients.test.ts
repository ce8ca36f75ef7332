// Every gradient against central differences of the float64 references: the forward dispatches of a
// recording are worked through in float64, with one element of an input moved to and fro.
import { expect, test } from 'vitest';
import type { Gpu } from 'webgpu-transformer';
import { gradients } from '../../src/runtime/gradient.ts';
import { Plan } from '../../src/runtime/plan.ts';
import { type Dispatch, Recording } from '../../src/runtime/record.ts';
import { Scope } from '../../src/runtime/scope.ts';
import { elements, type Tensor } from '../../src/runtime/tensor.ts';
import { activate } from '../../src/shaders/matmul/gates/activate.ts';
import { attention, type AttentionInputs } from '../../src/shaders/attention/attention.ts';
import { positionScores } from '../../src/shaders/attention/positions/attention-positions.ts';
import { rotaryTurns } from '../../src/shaders/attention/heads/rotary-turns.ts';
import { type HeadsOptions, splitHeads } from '../../src/shaders/attention/heads/split-heads.ts';
import { placeNumbers } from '../../src/model/heads/ctc-places.ts';
import { boxLoss } from '../../src/shaders/loss/box-loss.ts';
import { matchBoxes, matchedLabels } from '../../src/shaders/loss/match-boxes.ts';
import { ctcLoss } from '../../src/shaders/loss/ctc-loss.ts';
import { logScale } from '../../src/shaders/elementwise/log-scale.ts';
import { valueLoss } from '../../src/shaders/loss/value-loss.ts';
import { sigmoidLoss } from '../../src/shaders/loss/sigmoid-loss.ts';
import { crossEntropy } from '../../src/shaders/loss/cross-entropy.ts';
import { linearCrossEntropy } from '../../src/shaders/loss/linear-cross-entropy.ts';
import { ignoredLabel } from '../../src/shaders/loss/ignored-label.ts';
import { distillationLoss } from '../../src/shaders/loss/distillation-loss.ts';
import { preferenceLoss } from '../../src/shaders/loss/preference-loss.ts';
import { dropout, dropPath } from '../../src/shaders/elementwise/dropout.ts';
import { dropLayer } from '../../src/shaders/elementwise/layer-drop.ts';
import { add } from '../../src/shaders/elementwise/add.ts';
import { clamp } from '../../src/shaders/elementwise/clamp.ts';
import { scale, softCap } from '../../src/shaders/elementwise/scale.ts';
import { maskSpans } from '../../src/shaders/elementwise/spans.ts';
import { gradientRules } from '../../src/shaders/gradients.ts';
import { embedding } from '../../src/shaders/embedding/embedding.ts';
import { gated, gatedLinear } from '../../src/shaders/matmul/gates/gated.ts';
import { allKernels } from '../../src/shaders/index.ts';
import { lora } from '../../src/shaders/matmul/adapters/lora.ts';
import { rescale } from '../../src/shaders/matmul/adapters/rescale.ts';
import { rowEnergy } from '../../src/shaders/rows/row-energy.ts';
import {
  type Activation,
  activationCodes,
  matmul,
  type MatmulOptions,
} from '../../src/shaders/matmul/matmul.ts';
import { columnProduct, columnScale } from '../../src/shaders/elementwise/column-scale.ts';
import { joinColumns } from '../../src/shaders/elementwise/join-columns.ts';
import { mixLayers } from '../../src/shaders/elementwise/layer-mix.ts';
import { mixStreams } from '../../src/shaders/streams/mix-streams.ts';
import { takeColumns } from '../../src/shaders/elementwise/take-columns.ts';
import { gaussianTopK } from '../../src/shaders/rows/gaussian-top-k.ts';
import { matchMagnitude } from '../../src/shaders/streams/match-magnitude.ts';
import { maskRows } from '../../src/shaders/elementwise/mask-rows.ts';
import { reshape } from '../../src/shaders/elementwise/reshape.ts';
import { weightNorm } from '../../src/shaders/rows/weight-norm.ts';
import { gatedDelta } from '../../src/shaders/recurrence/gated-delta.ts';
import { gatedNorm } from '../../src/shaders/recurrence/gated-norm.ts';
import { openHeads } from '../../src/shaders/attention/heads/open-heads.ts';
import { shortConvolution } from '../../src/shaders/recurrence/short-convolution.ts';
import { windows } from '../../src/shaders/audio/windows.ts';
import { balanceLoss } from '../../src/shaders/experts/balance-loss.ts';
import { routeBySigmoid } from '../../src/shaders/experts/choose-experts.ts';
import { clampedGate } from '../../src/shaders/experts/clamped-gate.ts';
import { expertMatmul } from '../../src/shaders/experts/expert-matmul.ts';
import { mixExperts } from '../../src/shaders/experts/mix-experts.ts';
import { route } from '../../src/shaders/experts/route.ts';
import { groupNorm } from '../../src/shaders/rows/group-norm.ts';
import { imageTokens } from '../../src/shaders/image/image-tokens.ts';
import { patches } from '../../src/shaders/image/patches.ts';
import { tokenMeans } from '../../src/shaders/image/token-means.ts';
import { reorder } from '../../src/shaders/matmul/columns/reorder.ts';
import { references } from '../reference/index.ts';
import type { Values } from '../reference/twin.ts';
import type { Data } from '../support/check.ts';
import { testGpus, withGpu } from '../support/gpu.ts';
import { Random } from '../support/random.ts';
import { tolerance } from '../support/tolerance.ts';
import { normalize } from '../../src/shaders/rows/norm.ts';

const gpus = await testGpus();

/** A recording with drawn inputs and random numbers; `wanted` are those that have a gradient. */
class Training {
  readonly recording: Recording;
  readonly random: Random;
  readonly wanted: Tensor[] = [];
  readonly data = new Map<Tensor, Data>();

  readonly #scope: Scope;

  constructor(gpu: Gpu, seed: number) {
    this.#scope = new Scope(gpu);
    const random = this.#scope.tensor({ label: 'random', shape: [2], dtype: 'u32' });
    this.recording = new Recording(gpu, { training: true, random });
    this.random = new Random(seed);
    this.#fill(this.recording.random!, Uint32Array.of(seed, 11));
  }

  /** Numbers whose gradient is wanted. */
  input(label: string, ...shape: number[]): Tensor {
    const tensor = this.recording.persistent(label, shape);
    this.wanted.push(tensor);
    return this.#fill(tensor, this.random.values(elements(shape), { outliers: 0 }));
  }

  /** Ids, labels, masks. */
  integers(label: string, shape: readonly number[], values: readonly number[]): Tensor {
    return this.#fill(this.recording.persistent(label, shape, 'u32'), Uint32Array.from(values));
  }

  /** Numbers that are given. */
  numbers(label: string, shape: readonly number[]): Tensor {
    const values = this.random.values(elements(shape), { outliers: 0 });
    return this.#fill(this.recording.persistent(label, shape), values);
  }

  dispose(): void {
    this.recording.dispose();
    this.#scope.dispose();
  }

  #fill(tensor: Tensor, data: Data): Tensor {
    this.data.set(tensor, data);
    return tensor;
  }
}

type Case = (training: Training) => Tensor;
const cases: Record<string, Case> = {};

const options: Record<string, readonly ('bias' | 'residual')[]> = {
  '': [],
  ', bias': ['bias'],
  ', residual': ['residual'],
  ', bias and residual': ['bias', 'residual'],
};
for (const transposed of [false, true]) {
  const layout = transposed ? 'transposed' : 'plain';
  const weightOf = (t: Training, depth: number, columns: number, ...batch: number[]): Tensor =>
    t.input('weight', ...batch, ...(transposed ? [columns, depth] : [depth, columns]));
  for (const [about, given] of Object.entries(options)) {
    cases[`matmul ${layout}${about}`] = (t) => {
      const x = t.input('x', 2, 5, 7);
      const bias = given.includes('bias') ? t.input('bias', 3) : undefined;
      const residual = given.includes('residual') ? t.input('residual', 2, 5, 3) : undefined;
      return matmul(x, weightOf(t, 7, 3), { transposed, bias, residual });
    };
  }
  cases[`matmul ${layout}, one row`] = (t) =>
    matmul(t.input('x', 1, 9), weightOf(t, 9, 13), { transposed, bias: t.input('bias', 13) });
  cases[`matmul ${layout}, more than a tile`] = (t) =>
    matmul(t.input('x', 67, 35), weightOf(t, 35, 37), { transposed, bias: t.input('bias', 37) });
  cases[`matmul ${layout}, batches`] = (t) =>
    matmul(t.input('x', 3, 5, 7), weightOf(t, 7, 11, 3), { transposed });
  cases[`matmul ${layout}, batches of batches`] = (t) =>
    matmul(t.input('x', 2, 3, 1, 5), weightOf(t, 5, 3, 2, 3), { transposed });
  for (const activation of Object.keys(activationCodes) as Activation[]) {
    cases[`matmul ${layout}, bias, ${activation}`] = (t) => {
      const more: MatmulOptions = { transposed, activation, bias: t.input('bias', 7) };
      return matmul(t.input('x', 5, 3), weightOf(t, 3, 7), more);
    };
  }
}
cases['matmul, tied: a weight used both ways'] = (t) => {
  const weight = t.input('weight', 5, 7);
  const hidden = matmul(t.input('x', 3, 5), weight, { activation: 'silu' });
  return matmul(hidden, weight, { transposed: true });
};
cases['reorder'] = (t) => reorder(t.input('x', 3, 5), t.integers('order', [5], [2, 0, 4, 1, 3]));
cases['reorder, twice'] = (t) => {
  const order = t.integers('order', [4], [3, 0, 1, 2]);
  return reorder(reorder(t.input('x', 2, 3, 4), order), order);
};
cases['rescale'] = (t) => scale(t.input('x', 3, 5), -0.75);
cases['rescale, in fours and once more'] = (t) => scale(scale(t.input('x', 3, 8), 2.5), 0.3);

cases['rescale, capped'] = (t) => softCap(t.input('x', 3, 5), 0.8);
cases['rescale, capped in fours'] = (t) => softCap(scale(t.input('x', 3, 8), 2.5), 3);

cases['matmul of weights within bounds'] = (t) => {
  const weight = clamp(t.recording, t.input('w', 5, 4), { limit: 0.6, gradient: 'inside' });
  return matmul(t.input('x', 3, 5), weight);
};
cases['matmul of weights that were brought within bounds'] = (t) => {
  const weight = clamp(t.recording, t.input('w', 5, 4), { limit: 100, gradient: 'all' });
  return matmul(t.input('x', 3, 5), weight);
};
cases['matmul of a tensor with itself'] = (t) => {
  const x = t.input('x', 5, 5);
  return matmul(x, x, { residual: x });
};

for (const activation of Object.keys(activationCodes) as Activation[]) {
  cases[`activate ${activation}`] = (t) => activate(t.input('x', 9, 23), activation);
}
for (const activation of Object.keys(activationCodes) as Activation[]) {
  cases[`gated ${activation}`] = (t) => gated(t.input('x', 3, 5, 14), activation);
  cases[`gated ${activation}, in fours`] = (t) => gated(t.input('x', 9, 24), activation);
}
cases['gated product'] = (t) =>
  gatedLinear(t.input('x', 2, 5), t.input('weight', 6, 5), {
    activation: 'silu',
    bias: t.input('bias', 6),
  });
cases['add'] = (t) => add(t.input('a', 3, 29), t.input('b', 3, 29));
cases['add a tensor to itself'] = (t) => {
  const a = t.input('a', 5);
  return add(add(a, a), a);
};

function norm(t: Training, columns: number): { weight: Tensor; bias: Tensor; eps: number } {
  return { weight: t.input('weight', columns), bias: t.input('bias', columns), eps: 1e-3 };
}
for (const columns of [5, 71]) {
  cases[`layer norm of ${columns}`] = (t) => normalize(t.input('x', 3, columns), norm(t, columns));
  cases[`layer norm of ${columns}, residual`] = (t) => {
    const [x, residual] = [t.input('x', 2, 3, columns), t.input('residual', 2, 3, columns)];
    return normalize(x, norm(t, columns), { residual });
  };
}
cases['layer norm, more rows than a column sum takes at once'] = (t) =>
  normalize(t.input('x', 67, 3), norm(t, 3));
cases['layer norm, its input as the residual'] = (t) => {
  const x = t.input('x', 4, 5);
  return normalize(x, norm(t, 5), { residual: x });
};

for (const columns of [5, 72]) {
  const gain = (t: Training): Tensor => t.input('weight', columns);
  cases[`RMS norm of ${columns}`] = (t) =>
    normalize(t.input('x', 3, columns), { weight: gain(t), eps: 1e-3 });
  cases[`RMS norm of ${columns}, residual and offset`] = (t) => {
    const [x, residual] = [t.input('x', 2, 3, columns), t.input('residual', 2, 3, columns)];
    return normalize(x, { weight: gain(t), eps: 1e-3, offset: 1 }, { residual });
  };
}

const [batches, heads] = [3, 2];

/** A mask over keys of which the first batch sees all, the second some, and the last none. */
function maskOf(t: Training, keys: number, padded: boolean): Tensor {
  const seen = Array.from({ length: batches * keys }, (_, i) => {
    const [batch, key] = [Math.floor(i / keys), i % keys];
    if (!padded || batch === 0) return 1;
    return batch === 1 && key % 3 !== 1 ? 1 : 0;
  });
  return t.integers('mask', [batches, keys], seen);
}
for (const padded of [false, true]) {
  const masked = padded ? ', padding' : '';
  for (const causal of [false, true]) {
    for (const headSize of [3, 6]) {
      const width = heads * headSize;
      const about = `${causal ? ', causal' : ''}${masked}, heads of ${headSize}`;
      const shared = { heads, headSize, causal };
      cases[`self-attention${about}`] = (t) => {
        const tensor = t.input('qkv', batches, 7, 3 * width);
        const [q, k, v] = [0, 1, 2].map((part) => ({ tensor, start: part * width }));
        const keyMask = maskOf(t, 7, padded);
        return attention({ q: q!, k: k!, v: v!, keyMask, ...shared }).output;
      };
      cases[`attention of 5 queries to 9 keys${about}`] = (t) => {
        const q = { tensor: t.input('q', batches, 5, width), start: 0 };
        const tensor = t.input('kv', batches, 9, 2 * width);
        const inputs: AttentionInputs = {
          q,
          k: { tensor, start: 0 },
          v: { tensor, start: width },
          keyMask: maskOf(t, 9, padded),
          scale: 0.7,
          ...shared,
        };
        return attention(inputs).output;
      };
    }
  }
}

/** What heads go through on their way, apart and together. */
const headed: Record<string, Partial<HeadsOptions> | ((t: Training) => Partial<HeadsOptions>)> = {
  'as they are': {},
  'by turns': { heads: 3, keyValueHeads: 3, interleaved: true },
  'sharpened by position': { sharpness: { beta: 0.4, period: 3 } },
  rotated: (t) => ({ rotary: { turns: turnsOf(t, 3), scale: 1 } }),
  'rotated in part, scaled': (t) => ({ rotary: { turns: turnsOf(t, 2), scale: 1.3 } }),
  'rotated by neighbours': (t) => ({
    rotary: { turns: turnsOf(t, 2), scale: 1, neighbours: true },
  }),
  normalized: (t) => ({ headNorm: { weight: t.input('weight', 14), eps: 1e-3, offset: 0 } }),
  'normalized, values too': (t) => ({
    headNorm: { weight: t.input('weight', 14), eps: 1e-3, offset: 0, values: true },
    rotary: { turns: turnsOf(t, 2), scale: 1 },
  }),
  'of keys that are values': { keysAreValues: true },
  'of keys that are values, normalized': (t) => ({
    keysAreValues: true,
    headNorm: { weight: t.input('weight', 14), eps: 1e-3, offset: 0, values: true },
    rotary: { turns: turnsOf(t, 3), scale: 1 },
  }),
  'of keys that are values, which are as they were': (t) => ({
    keysAreValues: true,
    headNorm: { weight: t.input('weight', 14), eps: 1e-3, offset: 1 },
  }),
  'normalized as a whole': (t) => ({
    headNorm: { weight: t.input('weight', 6 * 7), eps: 1e-3, offset: 0, wide: true },
    rotary: { turns: turnsOf(t, 3), scale: 1 },
  }),
  'by turns, normalized, rotated and sharpened': (t) => ({
    heads: 2,
    interleaved: true,
    headNorm: { weight: t.input('weight', 14), eps: 1e-3, offset: 1 },
    rotary: { turns: turnsOf(t, 3), scale: 0.8 },
    sharpness: { beta: 0.4, period: 3 },
  }),
};
function turnsOf(t: Training, pairs: number): Tensor {
  const frequencies = Array.from({ length: pairs }, (_, i) => 10 ** -i);
  return t.integers('turns', [pairs, 2], [...rotaryTurns(frequencies)]);
}
for (const [about, given] of Object.entries(headed)) {
  cases[`heads ${about}`] = (t) => {
    const place = t.integers('place', [2, 3, 2], [0, 0, 1, 1, 900, 2, 7, 0, 8, 1, 9, 2]);
    const sizes = {
      heads: 4,
      keyValueHeads: 2,
      headSize: 7,
      ...(typeof given === 'function' ? given(t) : given),
    };
    const { keysAreValues } = sizes as Partial<HeadsOptions>;
    const all = sizes.heads + (keysAreValues ? 1 : 2) * sizes.keyValueHeads;
    const width = all * sizes.headSize;
    return splitHeads({ projections: t.input('projections', 2, 3, width), place, ...sizes });
  };
}

for (const gates of [2, 6]) {
  cases[`heads behind ${gates} gates`] = (t) =>
    openHeads(t.input('x', 2, 5, 6), t.input('gate', 2, 5, gates));
}

/** What scores are made of besides, and which keys are in sight. */
const scored: Record<string, (t: Training) => Partial<AttentionInputs>> = {
  'shared heads': () => ({}),
  'a window': () => ({ window: 3 }),
  'a window, causal': () => ({ window: 3, causal: true }),
  'capped scores': () => ({ softcap: 0.9, causal: true }),
  sinks: (t) => ({ sinks: t.input('sinks', 4), window: 4 }),
  slopes: (t) => ({ slopes: t.numbers('slopes', [4]), causal: true }),
};
for (const [about, given] of Object.entries(scored)) {
  for (const queries of [5, 9]) {
    cases[`attention with ${about}, ${queries} queries to 7 keys`] = (t) => {
      const [q, kv] = [t.input('q', batches, queries, 4 * 3), t.input('kv', batches, 7, 2 * 6)];
      const shared = { heads: 4, keyValueHeads: 2, headSize: 3, causal: false };
      return attention({
        q: { tensor: q, start: 0 },
        k: { tensor: kv, start: 0 },
        v: { tensor: kv, start: 6 },
        keyMask: maskOf(t, 7, queries > 5),
        ...shared,
        ...given(t),
      }).output;
    };
  }
}
cases['attention to keys and values that stand behind what is not read'] = (t) => {
  const [q, kv] = [t.input('q', batches, 5, 13), t.input('kv', batches, 7, 17)];
  return attention({
    q: { tensor: q, start: 1 },
    k: { tensor: kv, start: 4 },
    v: { tensor: kv, start: 11 },
    keyMask: maskOf(t, 7, true),
    heads: 4,
    keyValueHeads: 2,
    headSize: 3,
    causal: true,
  }).output;
};
for (const [reach, causal] of [
  [2, true],
  [3, false],
  [40, false],
] as const) {
  const width = heads * 3;
  const shared = { heads, headSize: 3, causal, scale: 1 };
  cases[`self-attention with a bias by distance, to ${reach}`] = (t) => {
    const tensor = t.input('qkv', batches, 11, 3 * width);
    const [q, k, v] = [0, 1, 2].map((part) => ({ tensor, start: part * width }));
    const bias = t.input('bias', 2 * reach + 1, heads);
    const keyMask = maskOf(t, 11, true);
    return attention({ q: q!, k: k!, v: v!, keyMask, bias, dropout: 0.2, ...shared }).output;
  };
  cases[`attention with a bias by distance, to ${reach}, twice`] = (t) => {
    const tensor = t.input('kv', batches, 9, 2 * width);
    const bias = t.input('bias', 2 * reach + 1, heads);
    const keyMask = maskOf(t, 9, true);
    const [k, v] = [0, width].map((start) => ({ tensor, start }));
    const once = (q: Tensor): Tensor =>
      attention({ q: { tensor: q, start: 0 }, k: k!, v: v!, keyMask, bias, ...shared }).output;
    return once(once(t.input('q', batches, 5, width)));
  };
}

for (const [tables, queries, terms] of [
  [2, 5, { c2p: true, p2c: true }],
  [3, 3, { c2p: true, p2c: true }],
  [1, 5, { c2p: true, p2c: false }],
  [2, 3, { c2p: false, p2c: true }],
] as const) {
  const width = heads * 2;
  const names = Object.entries(terms).flatMap(([name, has]) => (has ? [name] : []));
  cases[`positions as ${names.join(' and ')}, ${tables} tables`] = (t) => {
    const fused = queries === 5;
    const kv = t.input('kv', batches, 5, (fused ? 3 : 2) * width);
    const q = fused ? kv : t.input('q', batches, queries, width);
    const table = t.input('positions', fused ? 5 : 13, tables * width);
    return attention({
      q: { tensor: q, start: fused ? 2 * width : 0 },
      k: { tensor: kv, start: 0 },
      v: { tensor: kv, start: width },
      keyMask: maskOf(t, 5, fused),
      positions: positionScores(table, undefined, { ...terms, width }),
      heads,
      headSize: 2,
      causal: false,
      scale: 0.4,
      dropout: fused ? 0.3 : 0,
    }).output;
  };
}

for (const rate of [0.1, 0.6]) {
  const width = heads * 5;
  for (const causal of [false, true]) {
    cases[`attention${causal ? ', causal' : ''}, dropout of ${rate}`] = (t) => {
      const q = { tensor: t.input('q', batches, 9, width), start: 0 };
      const tensor = t.input('kv', batches, 10, 2 * width);
      const [k, v] = [0, width].map((start) => ({ tensor, start }));
      const keyMask = maskOf(t, 10, causal);
      const shared = { keyMask, heads, headSize: 5, causal, dropout: rate };
      return attention({ q, k: k!, v: v!, ...shared }).output;
    };
  }
  cases[`dropout of ${rate}`] = (t) => dropout(t.input('x', 7, 19), rate);
  cases[`dropout of ${rate}, residual`] = (t) =>
    dropout(t.input('x', 7, 19), rate, { residual: t.input('residual', 7, 19) });
  cases[`dropout of whole samples at ${rate}`] = (t) =>
    dropPath(t.input('x', 7, 19), rate, t.input('residual', 7, 19));
  cases[`dropout of ${rate} twice, its input as the residual`] = (t) => {
    const x = t.input('x', 3, 23);
    return dropout(dropout(x, rate, { residual: x }), rate);
  };
}

for (const along of ['rows', 'columns'] as const) {
  cases[`dropout of spans of ${along}`] = (t) => {
    const spans = { rate: 0.4, length: 2, least: 1 };
    return maskSpans(t.input('x', 2, 7, 9), spans, { along });
  };
}
for (const seed of [1, 2, 3]) {
  cases[`dropout of a layer, ${seed}`] = (t) => {
    const [x, y] = [t.input('x', 5, 13), t.input('y', 5, 13)];
    for (let i = 1; i < seed; i++) t.recording.nextSite();
    return dropLayer(x, y, 0.5);
  };
}

const ids = [3, 0, 3, 6, 3, 0, 1, 6];
cases['embedding, ids repeated and unused'] = (t) =>
  embedding(t.integers('ids', [2, 4], ids), t.input('table', 8, 5));
cases['embedding, scale and positions'] = (t) => {
  const position = t.integers('position', [2, 4], [0, 1, 2, 3, 0, 0, 1, 2]);
  const positions = { position, table: t.numbers('positions', [6, 3]), offset: 2 };
  const table = t.input('table', 8, 3);
  return embedding(t.integers('ids', [2, 4], ids), table, { scale: 3 ** 0.5, positions });
};
cases['embedding, of the first of two words'] = (t) => {
  const place = t.integers('place', [2, 2, 2], [0, 7, 3, 7, 3, 0, 1, 1]);
  return embedding(place, t.input('table', 6, 3), { beside: { words: 2, offset: 2 } });
};
cases['embedding, ids beyond the table'] = (t) =>
  embedding(t.integers('ids', [2, 4], ids), t.input('table', 4, 5));
cases['embedding, its table used for the logits too'] = (t) => {
  const table = t.input('table', 8, 5);
  const x = embedding(t.integers('ids', [2, 4], ids), table, { scale: 2 });
  return matmul(x, table, { transposed: true, bias: t.input('bias', 8) });
};

for (const [name, prefix, placed, behind] of [
  ['a token with a position', 1, 1, 0],
  ['tokens without', 3, 1, 0],
  ['tokens around', 2, 1, 3],
] as const) {
  cases[`image, ${name}`] = (t) => {
    const parts = {
      patches: t.input('patches', 2, 4, 3),
      around: t.input('around', prefix + behind, 3),
      positions: t.input('positions', placed + 4 + behind, 3),
    };
    return imageTokens(parts, placed, behind);
  };
}
cases['image, positions alone'] = (t) =>
  imageTokens({ patches: t.input('patches', 2, 4, 3), positions: t.input('positions', 4, 3) }, 0);

cases['image, patches of no whole number'] = (t) => patches(t.input('pixels', 2, 2, 5, 7), [2, 3]);

cases['image, means of tokens'] = (t) =>
  tokenMeans(t.input('x', 2, 5, 3), { first: 0, count: 1 }, { first: 2, count: 3 });
cases['image, the mean of some'] = (t) => tokenMeans(t.input('x', 2, 4, 3), { first: 1, count: 2 });

cases['windows that overlap, channels first'] = (t) =>
  windows(t.input('x', 2, 3, 7), { size: 3, stride: 2, padding: 1 });
cases['windows of some channels, channels last'] = (t) => {
  const channels = { first: 1, count: 2 };
  const cut = { size: 4, stride: 1, padding: 2, count: 5, channelsLast: true, channels };
  return windows(t.input('x', 2, 5, 4), cut);
};
cases['windows that leave steps out'] = (t) =>
  windows(t.input('x', 1, 2, 9), { size: 2, stride: 4, padding: 0 });

for (const groups of [1, 2, 4]) {
  cases[`group norm, ${groups} groups`] = (t) => {
    const affine = { weight: t.input('weight', 4), bias: t.input('bias', 4) };
    return groupNorm(t.input('x', 2, 5, 4), { groups, affine, eps: 1e-3 });
  };
}
cases['group norm of each channel, without weights'] = (t) =>
  groupNorm(t.input('x', 2, 5, 3), { eps: 1e-3 });

for (const hasResidual of [false, true]) {
  cases[`columns scaled${hasResidual ? ', added' : ''}`] = (t) => {
    const residual = hasResidual ? t.input('residual', 2, 3, 5) : undefined;
    return columnScale(t.input('x', 2, 3, 5), t.input('factor', 5), { residual });
  };
}

cases['columns of other rows, twice'] = (t) => {
  const [x, beside] = [t.input('x', 2, 3, 5), t.input('beside', 2, 3, 13)];
  return columnProduct(columnProduct(x, beside, 6, 'once'), beside, 2, 'twice');
};
cases['columns, in another shape'] = (t) => {
  const x = scale(t.input('x', 2, 3, 10), 2);
  return columnScale(reshape(x, [2, 3, 2, 5]), t.input('factor', 5));
};

cases['streams that take shares of each other'] = (t) => {
  const x = t.input('x', 2, 3, 3 * 5);
  return mixStreams(x, x, { columns: 5, coefficients: t.input('shares', 2, 3, 9) });
};
cases['streams that take shares of two others, from the second on'] = (t) =>
  mixStreams(t.input('x', 7, 4 * 71), t.input('others', 7, 2 * 71), {
    columns: 71,
    coefficients: t.input('shares', 7, 8),
    offset: -0.3,
    first: 1,
  });
cases['streams with another added'] = (t) =>
  mixStreams(t.input('x', 2, 3, 12), t.input('other', 2, 3, 4), {
    columns: 4,
    offset: 1,
    first: 2,
  });
cases['streams by themselves'] = (t) => {
  const x = t.input('x', 2, 3, 15);
  return add(takeColumns(x, 5, 5, 'second'), scale(takeColumns(x, 10, 5, 'third'), 0.5));
};
for (const columns of [5, 71]) {
  cases[`streams of the magnitude of others, ${columns}`] = (t) =>
    matchMagnitude(t.input('x', 3, columns), t.input('like', 3, columns), 1e-5);
  cases[`streams below the least magnitude, ${columns}`] = (t) =>
    matchMagnitude(t.input('x', 3, columns), t.input('like', 3, columns), 1e4);
  for (const deviations of [-0.5, 0.8]) {
    cases[`streams above a cutoff, ${columns}, ${deviations}`] = (t) =>
      gaussianTopK(t.input('x', 3, columns), deviations);
  }
}

cases['speech, columns side by side, one of them twice'] = (t) => {
  const x = t.input('x', 2, 3, 5);
  return joinColumns([x, t.input('others', 2, 3, 2), x], 'joined');
};
cases['speech, rows that count'] = (t) =>
  maskRows(t.input('x', 2, 3, 5), t.integers('mask', [2, 3], [1, 0, 1, 1, 1, 0]));
cases['speech, a mixture of layers, one of them twice'] = (t) => {
  const x = t.input('x', 2, 3, 5);
  return mixLayers([x, t.input('others', 2, 3, 5), x], t.input('scores', 3));
};
cases['speech, weights by direction and length'] = (t) => {
  const directions = [t.input('first', 2, 15), t.input('second', 2, 15)] as const;
  const [first, second] = weightNorm(t.recording, { directions, length: t.input('length', 1, 5) });
  return add(first, second!);
};

for (const smoothing of [0, 0.1]) {
  for (const columns of [5, 69]) {
    cases[`cross entropy of ${columns}, smoothing ${smoothing}`] = (t) => {
      const labels = [2, ignoredLabel, columns - 1, 0, ignoredLabel, 2, 1];
      const label = t.integers('label', [labels.length], labels);
      return crossEntropy(t.input('x', labels.length, columns), label, smoothing);
    };
  }
}

for (const [about, smoothing, softcap] of [
  ['a bias', 0, undefined],
  ['smoothing', 0.1, undefined],
  ['a soft cap', 0, 1.5],
  ['smoothing and a soft cap', 0.2, 2],
] as const) {
  cases[`cross entropy in pieces, ${about}`] = (t) => {
    const labels = Array.from({ length: 131 }, (_, i) => (i % 3 === 1 ? ignoredLabel : i % 7));
    const bias = about === 'a bias' ? t.input('bias', 7) : undefined;
    const layer = { weight: t.input('weight', 7, 5), bias, softcap };
    const label = t.integers('label', [labels.length], labels);
    return linearCrossEntropy(t.input('x', 1, 131, 5), layer, label, { smoothing, rows: 64 });
  };
}
cases['cross entropy in pieces, of the embeddings'] = (t) => {
  const weight = t.input('weight', 8, 5);
  const x = embedding(t.integers('ids', [2, 4], ids), weight, { scale: 2 });
  return linearCrossEntropy(x, { weight }, t.integers('label', [8], ids), { rows: 64 });
};

for (const hasBias of [false, true]) {
  cases[`pairs, scaled by an exponential${hasBias ? ', shifted' : ''}`] = (t) =>
    logScale(t.input('x', 3, 5), t.input('scale', 1), hasBias ? t.input('bias', 1) : undefined);
}
for (const isFlags of [false, true]) {
  cases[`pairs of numbers${isFlags ? ' that are flags' : ''}`] = (t) =>
    valueLoss(t.input('x', 3, 23), t.numbers('label', [3, 23]), isFlags);
}
cases['pairs, judged by themselves'] = (t) => sigmoidLoss(t.input('x', 5, 5));

/** Boxes within the image, as a sigmoid gives them. */
function boxesOf(t: Training, ...shape: number[]): Tensor {
  const boxes = t.input('boxes', ...shape);
  t.data.set(
    boxes,
    Float32Array.from(t.data.get(boxes)!, (x) => 0.1 + 0.8 / (1 + Math.exp(-x))),
  );
  return boxes;
}
for (const [about, sizes] of [
  ['all that there is room for', [3, 3]],
  ['fewer, and none', [2, 0]],
] as const) {
  cases[`objects, ${about}`] = (t) => {
    const [logits, boxes] = [t.input('logits', 2, 5, 4), boxesOf(t, 2, 5, 4)];
    const boxesGiven = t.numbers('places', [2, 3, 4]);
    t.data.set(
      boxesGiven,
      Float32Array.from({ length: 24 }, (_, i) => 0.15 + ((i * 7) % 17) / 24),
    );
    const objects = {
      classes: t.integers('classes', [2, 3], [2, 0, 1, 1, 1, 0]),
      places: boxesGiven,
      sizes: t.integers('sizes', [2], sizes),
      shares: t.numbers('shares', [2]),
    };
    const matched = matchBoxes(logits, boxes, objects, { class: 1, box: 5, overlap: 2 });
    const { label, weights } = matchedLabels(matched, objects, { nothing: 3, rest: 0.1 });
    const ofClasses = columnScale(crossEntropy(logits, label), weights);
    return add(ofClasses, boxLoss(boxes, matched, objects, { distance: 5, overlap: 2 }));
  };
}

for (const columns of [3, 67]) {
  cases[`ctc loss of ${columns}`] = (t) => {
    const labels = { rows: [[2, 2, 1], [1], []], steps: [7, 5, 6], room: 3, count: 1 };
    const numbers = placeNumbers(labels, { places: 7, columns, blank: 0 });
    return ctcLoss(t.input('x', 3, 7, columns), {
      classes: t.integers('classes', [3, 7], [...numbers.classes]),
      sizes: t.integers('sizes', [3, 2], [...numbers.sizes]),
      links: t.integers('links', [3, columns + 7], [...numbers.links]),
    });
  };
}

for (const [temperature, weight, smoothing] of [
  [2, 0.5, 0.1],
  [0.7, 1, 0],
  [5, 0, 0.2],
] as const) {
  for (const columns of [5, 69]) {
    cases[`distillation loss of ${columns}, T ${temperature}, weight ${weight}`] = (t) => {
      const labels = [2, ignoredLabel, columns - 1, 0, ignoredLabel, 2, 1];
      const label = t.integers('label', [labels.length], labels);
      const teacher = t.numbers('teacher', [labels.length, columns]);
      const student = t.input('student', labels.length, columns);
      return distillationLoss(student, { teacher, label, temperature, weight, smoothing });
    };
  }
}

for (const [pairs, length, smoothing] of [
  [3, 5, 0],
  [2, 69, 0.2],
] as const) {
  cases[`preference loss of ${pairs} pairs`] = (t) =>
    preferenceLoss(t.input('x', 2 * pairs * length), {
      reference: t.numbers('reference', [2 * pairs * length]),
      length,
      beta: 0.3,
      smoothing,
    });
}

for (const about of ['', ', gated', ', activated']) {
  cases[`recurrence, a short convolution${about}`] = (t) => {
    const isGated = about === ', gated';
    const size = isGated ? 3 : 4;
    const x = t.input('x', 2, 5, isGated ? 15 : 7);
    return shortConvolution(x, {
      weight: t.input('weight', 5, size),
      bias: about === '' ? undefined : t.input('bias', 5),
      isGated,
      activation: about === ', activated' ? 'silu' : 'none',
    });
  };
}
for (const [about, tokens, sizes] of [
  ['heads that share keys', 7, { heads: 2, keyHeads: 1, keySize: 3, valueSize: 2 }],
  ['more than a chunk', 35, { heads: 1, keyHeads: 1, keySize: 2, valueSize: 3 }],
] as const) {
  cases[`recurrence, a delta rule of ${about}`] = (t) => {
    const { heads: count, keyHeads, keySize, valueSize } = sizes;
    const width = 2 * keyHeads * keySize + count * valueSize;
    const gates = { tensor: t.input('gates', 1, tokens, 2 * count + 3), start: 2 };
    const rates = t.input('rates', 2 * count);
    return gatedDelta(t.input('x', 1, tokens, width), { ...sizes, gates, rates });
  };
}
cases['recurrence, a norm that gates follow'] = (t) =>
  gatedNorm(t.input('x', 2, 3, 14), {
    weight: t.input('weight', 7),
    eps: 1e-3,
    gate: { tensor: t.input('gates', 2, 3, 19), start: 4 },
  });
cases['recurrence, a short convolution over more tokens than a sum takes at once'] = (t) =>
  shortConvolution(t.input('x', 1, 67, 3), { weight: t.input('weight', 3, 2) });

cases['lora, rows in the middle of a frozen weight'] = (t) => {
  const delta = matmul(t.input('b', 5, 2), t.input('a', 2, 7));
  return lora(t.numbers('weight', [13, 7]), delta, { first: 3, scale: 1.7 });
};
for (const hasBias of [false, true]) {
  cases[`lora, columns of lengths of their own${hasBias ? ', bias' : ''}`] = (t) =>
    rescale(t.input('y', 2, 3, 11), {
      magnitude: t.input('magnitude', 5),
      energy: rowEnergy(t.numbers('weight', [7, 3]), t.numbers('delta', [5, 3]), {
        first: 2,
        scale: 0.4,
      }),
      bias: hasBias ? t.numbers('bias', [11]) : undefined,
      left: 4,
    });
}
cases['lora, columns of what a layer computes'] = (t) => {
  const [x, y] = [t.input('x', 2, 3, 7), t.input('y', 2, 3, 11)];
  const inner = matmul(x, t.input('a', 2, 7), { transposed: true });
  const delta = matmul(inner, t.input('b', 5, 2), { transposed: true });
  return lora(y, delta, { left: 4, scale: 0.3 });
};
cases['lora, two updates of a weight that is used'] = (t) => {
  const weight = t.input('weight', 11, 5);
  const query = lora(weight, t.input('delta 0', 4, 5), { first: 0, scale: 0.5 });
  const value = lora(query, t.input('delta 1', 3, 5), { first: 8, scale: 2 });
  return matmul(t.input('x', 3, 5), value, { transposed: true });
};

/** Logits far enough from each other that a small step chooses no other expert, one of them never chosen. */
function routerLogits(t: Training, tokens: number, experts: number): Tensor {
  const logits = t.input('logits', tokens, experts);
  const values = Float32Array.from({ length: tokens * experts }, (_, i) => {
    const [token, expert] = [Math.floor(i / experts), i % experts];
    return expert === experts - 1 ? -4 : ((token + 2 * expert) % experts) / 3;
  });
  t.data.set(logits, values);
  return logits;
}
for (const amongChosen of [false, true]) {
  for (const [tokens, experts, chosen] of [
    [1, 5, 3],
    [7, 3, 1],
    [13, 7, 2],
  ] as const) {
    const about = `${chosen} of ${experts}, shares ${amongChosen ? 'of these' : 'of all'}`;
    cases[`experts, ${about}`] = (t) => {
      const routes = route(routerLogits(t, tokens, experts), { chosen, amongChosen });
      const bias = (out: number): Tensor | undefined =>
        amongChosen ? t.input('bias', experts, out) : undefined;
      const x = t.input('x', 1, tokens, 9);
      const inner = expertMatmul(
        x,
        { weight: t.input('inner', experts * 10, 9), bias: bias(10) },
        routes,
      );
      const hidden = amongChosen
        ? clampedGate(inner, { alpha: 1.7, limit: 0.8 })
        : gated(inner, 'silu');
      const outer = { weight: t.input('outer', experts * 9, 5), bias: bias(9) };
      return mixExperts(expertMatmul(hidden, outer, routes), routes, x.shape, x);
    };
  }
}
for (const [bias, amongChosen] of [
  [true, true],
  [false, false],
] as const) {
  const about = `${bias ? 'with' : 'without'} biases, shares ${amongChosen ? 'of these' : 'as they are'}`;
  cases[`experts by sigmoids ${about}`] = (t) => {
    const { shares } = routeBySigmoid(routerLogits(t, 5, 7), {
      scores: 'sigmoid',
      bias: bias ? t.numbers('bias', [7]) : undefined,
      chosen: 3,
      amongChosen,
      scale: 1.7,
    });
    return shares;
  };
}
cases['experts, their balance over two layers'] = (t) => {
  const layers = [5, 5].map((experts) => {
    const logits = routerLogits(t, 7, experts);
    return { logits, experts: route(logits, { chosen: 2, amongChosen: true }).experts };
  });
  const mask = t.integers('mask', [1, 7], [0, 1, 1, 1, 1, 1, 0]);
  return balanceLoss(layers, { mask, factor: 0.3 });
};

/** The tensor that a tensor shows, in another shape or a window of it; itself where it shows none. */
function shownBy(tensor: Tensor, values: ReadonlyMap<Tensor, Values>): Tensor {
  const { buffer, of } = tensor;
  const shown = buffer && [...values.keys()].find((other) => other.buffer === buffer);
  return of ?? shown ?? tensor;
}

/** Those of a tensor; zeros before any dispatch writes it. */
function valuesOf(tensor: Tensor, values: ReadonlyMap<Tensor, Values>): Values {
  const shown = shownBy(tensor, values);
  const size = elements(shown.shape);
  const none = shown.dtype === 'u32' ? new Uint32Array(size) : new Float64Array(size);
  const all = values.get(shown) ?? none;
  const first = tensor.offset / 4;
  return all.subarray(first, first + tensor.byteLength / 4);
}

/** Puts what a dispatch wrote to where its tensor is. */
function keep(tensor: Tensor, result: Values, values: Map<Tensor, Values>): void {
  const shown = shownBy(tensor, values);
  if (shown === tensor || result.length === elements(shown.shape)) {
    values.set(shown, result);
    return;
  }
  const all = Float64Array.from(valuesOf(shown, values));
  all.set(result, tensor.offset / 4);
  values.set(shown, all);
}

/** The result in float64. `values` holds the inputs, and gets what is computed on the way. */
function evaluate(dispatches: readonly Dispatch[], values: Map<Tensor, Values>): void {
  for (const { kernel, bindings, params, constants } of dispatches) {
    const inputs: Record<string, Values> = {};
    for (const [name, tensor] of Object.entries(bindings)) {
      if (tensor) inputs[name] = valuesOf(tensor, values);
    }
    // The scalars as the GPU gets them.
    const scalars = Object.entries(kernel.params).map(([name, type]): [string, number] => {
      const value = params[name] ?? NaN;
      return [name, type === 'f32' ? Math.fround(value) : value];
    });
    const { twin } = references[kernel.operation]!;
    const results = twin(inputs, Object.fromEntries(scalars), constants);
    for (const [name, tensor] of Object.entries(bindings)) {
      if (kernel.bindings[name] === 'write' && tensor) keep(tensor, results[name]!, values);
    }
  }
}

/** Central differences in float64 err by step² and 2⁻⁵³ / step, both some 1e-10: far below f32. */
const step = 2 ** -17;

interface Derivative {
  readonly value: number;
  /** The sum of the absolute values of what flows in from each element of the result. */
  readonly magnitude: number;
}

/** The derivative of Σ seed · output for element `at` of `input`. */
function derivative(
  forward: readonly Dispatch[],
  given: ReadonlyMap<Tensor, Values>,
  { input, at }: { input: Tensor; at: number },
  { output, seed }: { output: Tensor; seed: Values },
): Derivative {
  const [above, below] = [step, -step].map((move) => {
    const moved = given.get(input)!.slice();
    moved[at]! += move;
    const values = new Map(given).set(input, moved);
    evaluate(forward, values);
    return values.get(output)!;
  });
  let [value, magnitude] = [0, 0];
  for (const [i, factor] of seed.entries()) {
    const term = (factor * (above![i]! - below![i]!)) / (2 * step);
    value += term;
    magnitude += Math.abs(term);
  }
  return { value, magnitude };
}

/** Up to `count` different places among `size`. */
function places(random: Random, size: number, count: number): number[] {
  if (size <= count) return Array.from({ length: size }, (_, i) => i);
  const chosen = new Set<number>();
  while (chosen.size < count) chosen.add(random.integer(0, size - 1));
  return [...chosen];
}

async function expectGradients(gpu: Gpu, name: string, build: Case, seed: number): Promise<void> {
  const training = new Training(gpu, seed);
  const { recording, wanted, data, random } = training;
  try {
    const output = build(training);
    const forward = [...recording.dispatches];
    const inputs = [...wanted];
    const dOutput = training.numbers('d output', output.shape);
    const found = gradients(recording, new Map([[output, dOutput]]), inputs, gradientRules);
    const plan = await Plan.create(
      recording,
      inputs.map((input) => found.get(input)!),
    );
    for (const [tensor, values] of data) plan.write(tensor, values);
    const played = await plan.play();

    const given = new Map<Tensor, Values>();
    for (const [tensor, values] of data) {
      given.set(tensor, values instanceof Uint32Array ? values : Float64Array.from(values));
    }
    const result = { output, seed: given.get(dOutput)! };
    for (const [i, input] of inputs.entries()) {
      const got = new Float32Array(played[i]!);
      expect(got, `${name}: size of d ${input.label}`).toHaveLength(elements(input.shape));
      expect(found.get(input)!.shape, `${name}: shape of d ${input.label}`).toEqual(input.shape);
      const chosen = places(random, got.length, 40);
      const wantedAt = chosen.map((at) => derivative(forward, given, { input, at }, result));
      // Where the parts of a derivative cancel inside an operation, its error is that of its
      // neighbours', so the largest magnitude counts. No sum is longer than the result has elements.
      const magnitude = Math.max(...wantedAt.map((one) => one.magnitude));
      const allowed = tolerance('f32', result.seed.length, magnitude);
      for (const [n, at] of chosen.entries()) {
        const { value } = wantedAt[n]!;
        const error = Math.abs(got[at]! - value);
        if (error <= allowed) continue;
        throw new Error(
          `${name}: d ${input.label}[${at}] is ${got[at]}, wanted ${value} ` +
            `(off by ${error.toExponential(2)}, allowed ${allowed.toExponential(2)}; seed ${seed})`,
        );
      }
    }
  } finally {
    training.dispose();
  }
}

const kinds = [
  'RMS',
  'activate',
  'add',
  'attention',
  'columns',
  'cross',
  'ctc',
  'distillation',
  'dropout',
  'embedding',
  'experts',
  'gated',
  'group',
  'heads',
  'image',
  'layer norm',
  'lora',
  'matmul',
  'objects',
  'pairs',
  'positions',
  'preference',
  'recurrence',
  'reorder',
  'rescale',
  'speech',
  'streams',
  'windows',
];

for (const { name, options: gpuOptions } of gpus) {
  // One device for all cases of a kind: a device costs more than a case.
  for (const kind of kinds)
    test(`${kind}, ${name}`, () =>
      withGpu(gpuOptions, async (gpu) => {
        const chosen = Object.entries(cases).filter(([title]) => kindOf(title) === kind);
        expect(chosen.length).toBeGreaterThan(1);
        for (const [i, [title, build]] of chosen.entries()) {
          await expectGradients(gpu, title, build, 500 + i);
        }
      }));
}

/** What stands first in a title. */
function kindOf(title: string): string {
  if (title.startsWith('layer norm')) return 'layer norm';
  return /^(self-)?(\w+)/.exec(title)?.[2] ?? '';
}

/** Operations without a gradient: decisions, steps of decoding or training, gradients themselves. */
const withoutGradient = [
  'accumulate',
  'adam',
  'adam-8bit',
  'append-tokens',
  'attention-decode',
  'attention-merge',
  'attention-mix',
  'attention-shares',
  'attention-weights',
  'beam-candidates',
  'beam-commit',
  'beam-gather',
  'beam-step',
  'choose-token',
  'clamp-in-place',
  'column-sum',
  'dequantize',
  'edit',
  'embedding-links',
  'gradient-norm',
  'gradient-scale',
  'gram-residual',
  'importance',
  'label-weights',
  'matmul-join',
  'orthogonality',
  'pack-halves',
  'penalty',
  'perturb',
  'rescale-products',
  'matmul-scale',
  'log-mel',
  'mel-floor',
  'pixel-units',
  'pixel-values',
  'resample',
  'quantize',
  'repack',
  'unpack-gguf',
  'unpack-halves',
  'likely-tokens',
  'log-softmax',
  'sequence-bias',
  'sgd',
  'sinc-resample',
  'timestamp-rules',
  'token-history',
  'token-log-probs',
  'token-rules',
  'transpose',
  'warp',
  'delta-step',
  'hide-rows',
  'keep-inputs',
];

test('every operation with a gradient has a case, and every case is played', () =>
  withGpu({}, async (gpu) => {
    const seen = new Set<string>();
    const traced = new Set<string>();
    for (const [title, build] of Object.entries(cases)) {
      const training = new Training(gpu, 1);
      build(training);
      expect(training.recording.tape.length, `tape of ${title}`).toBeGreaterThan(0);
      for (const { kernel } of training.recording.dispatches) seen.add(kernel.operation);
      for (const { op } of training.recording.tape) traced.add(op);
      training.dispose();
    }
    const operations = new Set(allKernels.map(({ operation }) => operation));
    const wanted = [...operations].filter(
      (operation) => !operation.includes('-backward') && !withoutGradient.includes(operation),
    );
    expect([...seen].toSorted()).toEqual(wanted.toSorted());
    expect([...traced].toSorted()).toEqual(Object.keys(gradientRules.rules).toSorted());
    for (const operation of withoutGradient) expect(operations).toContain(operation);
    const found = new Set(Object.keys(cases).map(kindOf));
    expect([...found].toSorted()).toEqual(kinds);
    await Promise.resolve();
  }));

test('what has no gradient says so', () =>
  withGpu({}, async (gpu) => {
    const t = new Training(gpu, 1);
    const [x, weight, residual] = [t.input('x', 2, 3), t.input('w', 3, 3), t.input('r', 2, 3)];
    expect(() => matmul(x, weight, { activation: 'relu', residual })).toThrow(
      'activation and residual together',
    );
    const [q, k, v] = ['q', 'k', 'v'].map((label) => ({
      tensor: t.input(label, 1, 2, 3),
      start: 0,
    }));
    const keyMask = t.integers('mask', [1, 2], [1, 1]);
    const inputs = { q: q!, k: k!, v: v!, keyMask, heads: 1, headSize: 3, causal: false };
    const { output } = attention(inputs);
    const seeds = new Map([[output, t.numbers('d output', output.shape)]]);
    expect(() => gradients(t.recording, seeds, [q!.tensor], gradientRules)).toThrow(
      'stand in one tensor',
    );
    t.dispose();
    await Promise.resolve();
  }));
