// The cases in jax-js, each compiled as one function. Its arrays are consumed where they are used; `ref`
// is one more use.

import { jaxJs, type Jax as Training } from '../training/jax.ts';
import { normEps, type Named, type Operations } from './models.ts';
import type { Peer } from './peer.ts';
import { trainingRun } from './training-run.ts';
import { workOf } from './work.ts';

interface JaxArray {
  readonly ref: JaxArray;
  readonly shape: readonly number[];
  add(other: JaxArray): JaxArray;
  mul(other: JaxArray): JaxArray;
  reshape(shape: readonly number[]): JaxArray;
  data(): Promise<Float32Array>;
  dispose(): void;
}

type Compute = (values: Named<JaxArray>) => JaxArray[];

/** As much of the package as is used here. */
export interface Jax {
  readonly numpy: {
    readonly float32: string;
    array(values: Float32Array, options: { shape: readonly number[]; dtype: string }): JaxArray;
    matmul(a: JaxArray, b: JaxArray): JaxArray;
    split(x: JaxArray, parts: number, axis: number): JaxArray[];
    concatenate(parts: readonly JaxArray[], axis: number): JaxArray;
  };
  readonly nn: {
    gelu(x: JaxArray, options: { approximate: boolean }): JaxArray;
    softmax(x: JaxArray, axis: number): JaxArray;
    standardize(x: JaxArray, axis: number, options: { epsilon: number }): JaxArray;
    dotProductAttention(
      q: JaxArray,
      k: JaxArray,
      v: JaxArray,
      options: { isCausal: boolean },
    ): JaxArray;
  };
  readonly tree: { ref<T>(tree: T): T; dispose(tree: unknown): void };
  init(device: string): Promise<readonly string[]>;
  defaultDevice(device: string): string;
  jit(f: Compute): Compute;
  blockUntilReady(tree: unknown): Promise<unknown>;
}

export async function open(jax: Jax & Training, version: string): Promise<Peer> {
  const devices = await jax.init('webgpu');
  if (!devices.includes('webgpu')) throw new Error('There is no WebGPU backend here.');
  jax.defaultDevice('webgpu');
  const { numpy: np } = jax;
  return {
    version,
    prepare: async (one, given) => {
      if (one.kind === 'training step') return trainingRun(await jaxJs(jax, version));
      const { inputs, weights, compute } = workOf(one, given);
      const arrays = Object.fromEntries(
        Object.entries({ ...inputs, ...weights }).map(([name, { shape, data }]) => {
          return [name, np.array(data, { shape, dtype: np.float32 })];
        }),
      );
      const ops = operations(jax);
      const computed = jax.jit((values) => compute(ops, values));
      return {
        result: async () => {
          const [result, ...others] = computed(jax.tree.ref(arrays));
          jax.tree.dispose(others);
          return (result as JaxArray).data();
        },
        run: async () => {
          const results = computed(jax.tree.ref(arrays));
          await jax.blockUntilReady(results);
          jax.tree.dispose(results);
        },
      };
    },
  };
}

function operations({ numpy: np, nn }: Jax): Operations<JaxArray> {
  return {
    matmul: (a, b) => np.matmul(a.ref, b.ref),
    add: (a, b) => a.ref.add(b.ref),
    gelu: (x, form) => nn.gelu(x.ref, { approximate: form === 'tanh' }),
    layerNorm: (x, weight, bias) =>
      nn.standardize(x.ref, -1, { epsilon: normEps }).mul(weight.ref).add(bias.ref),
    softmax: (x) => nn.softmax(x.ref, -1),
    split: (x, parts) => np.split(x.ref, parts, -1),
    above: (a, b) => np.concatenate([a.ref, b.ref], 0),
    attention: (q, k, v, { heads, causal: isCausal }) => {
      const [queries = 0, width = 0] = q.shape;
      const apart = (x: JaxArray): JaxArray => {
        return x.ref.reshape([x.shape[0] ?? 0, heads, width / heads]);
      };
      const mixed = nn.dotProductAttention(apart(q), apart(k), apart(v), { isCausal });
      return mixed.reshape([queries, width]);
    },
  };
}
