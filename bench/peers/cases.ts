// What is compared with other libraries: kernels at the sizes of models that people run, and whole models.
// Everything is drawn from a seed, so that pages of other libraries draw the same.

export interface KernelCase {
  readonly kind: 'matmul' | 'layer norm' | 'softmax' | 'attention';
  readonly rows: number;
  readonly depth?: number;
  readonly columns: number;
  readonly heads?: number;
  readonly causal?: boolean;
}

/** Sizes of a stack; all heads have the width of the model together. */
export interface StackSize {
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  readonly inner: number;
  /** Tokens whose result is computed, after `past` others. */
  readonly tokens: number;
  readonly past: number;
  readonly vocabulary: number;
}

export interface ModelCase extends StackSize {
  readonly kind: 'encoder' | 'decoder step';
}

export interface TrainingCase {
  readonly kind: 'training step';
}

export type Case = {
  readonly name: string;
  /** Left out unless asked for. */
  readonly slow?: boolean;
} & (KernelCase | ModelCase | TrainingCase);

const bertBase = { layers: 12, width: 768, heads: 12, inner: 3072 };

function matmul(rows: number, depth: number, columns: number): Case {
  return { name: `matmul ${rows}×${depth}×${columns}`, kind: 'matmul', rows, depth, columns };
}

function attention(rows: number, causal: boolean): Case {
  const name = `attention 12×${rows}×64${causal ? ', causal' : ''}`;
  return { name, kind: 'attention', rows, columns: 768, heads: 12, causal };
}

export const cases: readonly Case[] = [
  matmul(1, 768, 3072),
  matmul(128, 768, 3072),
  { ...matmul(512, 512, 512), slow: true },
  { ...matmul(1024, 1024, 1024), slow: true },
  attention(128, true),
  { ...attention(128, false), slow: true },
  { ...attention(512, true), slow: true },
  { ...attention(512, false), slow: true },
  { name: 'layer norm 512×768', kind: 'layer norm', rows: 512, columns: 768 },
  { name: 'softmax 512×1024', kind: 'softmax', rows: 512, columns: 1024 },
  { name: 'training step 2+2×128, 32×16 tokens', kind: 'training step' },
  {
    name: 'encoder 6×384, 128 tokens',
    kind: 'encoder',
    layers: 6,
    width: 384,
    heads: 12,
    inner: 1536,
    tokens: 128,
    past: 0,
    vocabulary: 1000,
  },
  {
    name: 'GPT-2-small step past 128',
    kind: 'decoder step',
    ...bertBase,
    tokens: 1,
    past: 128,
    vocabulary: 50257,
  },
  {
    name: 'encoder 12×768, 128 tokens',
    kind: 'encoder',
    ...bertBase,
    tokens: 128,
    past: 0,
    vocabulary: 1000,
  },
];

/** Finds a case. @throws RangeError for a name that there is not */
export function caseOf(name: string): Case {
  const found = cases.find((one) => one.name === name);
  if (found === undefined) throw new RangeError(`there is no case ${name}`);
  return found;
}

export interface Values {
  readonly shape: readonly number[];
  readonly data: Float32Array<ArrayBuffer>;
}

/** Numbers from bias - scale to bias + scale. */
export function draw(
  shape: readonly number[],
  seed: number,
  { scale = 1, bias = 0 }: { scale?: number; bias?: number } = {},
): Values {
  const data = new Float32Array(shape.reduce((product, size) => product * size, 1));
  let state = (Math.imul(seed + 1, 2654435761) ^ 0x9e3779b9) | 1;
  for (let i = 0; i < data.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    data[i] = (state / 2 ** 31) * scale + bias;
  }
  return { shape, data };
}

/** Token ids below a bound. */
export function drawIds(count: number, seed: number, below: number): number[] {
  const { data } = draw([count], seed);
  return Array.from(data, (value) => Math.floor(((value + 1) / 2) * (below - 1)));
}

const inputsOf: Record<KernelCase['kind'], (one: KernelCase) => Record<string, Values>> = {
  matmul: ({ rows, depth = 0, columns }) => ({
    x: draw([rows, depth], 1),
    weight: draw([depth, columns], 2),
  }),
  'layer norm': ({ rows, columns }) => ({
    x: draw([rows, columns], 1, { scale: 3 }),
    weight: draw([columns], 3, { scale: 0.1, bias: 1 }),
    bias: draw([columns], 4, { scale: 0.1 }),
  }),
  softmax: ({ rows, columns }) => ({ x: draw([rows, columns], 1, { scale: 8 }) }),
  attention: ({ rows, columns }) => ({
    q: draw([rows, columns], 5),
    k: draw([rows, columns], 6),
    v: draw([rows, columns], 7),
  }),
};

/** The inputs of a kernel. Weights of products are (depth, columns). */
export function kernelInputs(one: KernelCase): Record<string, Values> {
  return inputsOf[one.kind](one);
}

/** As many elements, spread over all of a result, as are compared. */
export const samples = 2048;

export function sampled(values: ArrayLike<number>): number[] {
  const count = Math.min(samples, values.length);
  return Array.from({ length: count }, (_, i) => {
    // Unlike steps reach all columns of a matrix.
    const at = (Math.floor((i * values.length) / count) + 7 * i) % values.length;
    return values[at] ?? NaN;
  });
}
