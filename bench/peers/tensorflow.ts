// The cases in TensorFlow.js on its WebGPU backend, which runs operation by operation.

import { tensorFlow, type TensorFlow as Training } from '../training/tensorflow.ts';
import type { Values } from './cases.ts';
import { normEps, type Operations } from './models.ts';
import type { Peer } from './peer.ts';
import { trainingRun } from './training-run.ts';
import { workOf } from './work.ts';

interface Tensor {
  readonly shape: readonly number[];
  readonly size: number;
  data(): Promise<Float32Array>;
  dispose(): void;
}

/** As much of the package as is used here. */
export interface TensorFlow {
  readonly version_core: string;
  ready(): Promise<void>;
  setBackend(name: string): Promise<boolean>;
  tensor(values: Float32Array, shape: readonly number[]): Tensor;
  add(a: Tensor, b: Tensor | number): Tensor;
  sub(a: Tensor, b: Tensor): Tensor;
  mul(a: Tensor, b: Tensor | number): Tensor;
  erf(x: Tensor): Tensor;
  tanh(x: Tensor): Tensor;
  pow(x: Tensor, exponent: number): Tensor;
  square(x: Tensor): Tensor;
  rsqrt(x: Tensor): Tensor;
  mean(x: Tensor, axis: number, keepDims: boolean): Tensor;
  softmax(x: Tensor): Tensor;
  matMul(a: Tensor, b: Tensor, transposeA?: boolean, transposeB?: boolean): Tensor;
  reshape(x: Tensor, shape: readonly number[]): Tensor;
  transpose(x: Tensor, axes: readonly number[]): Tensor;
  split(x: Tensor, parts: number, axis: number): Tensor[];
  concat(parts: readonly Tensor[], axis: number): Tensor;
  slice(x: Tensor, begin: number, size: number): Tensor;
  tidy<T extends Tensor | Tensor[]>(f: () => T): T;
  dispose(tensors: Tensor[]): void;
}

export async function open(tf: TensorFlow & Training): Promise<Peer> {
  if (!(await tf.setBackend('webgpu'))) throw new Error('There is no WebGPU backend here.');
  await tf.ready();
  return {
    version: tf.version_core,
    prepare: async (one, given) => {
      if (one.kind === 'training step') return trainingRun(await tensorFlow(tf));
      const { inputs, weights, compute } = workOf(one, given);
      const tensors = Object.fromEntries(
        Object.entries({ ...inputs, ...weights }).map(
          ([name, { shape, data }]: [string, Values]) => {
            return [name, tf.tensor(data, shape)];
          },
        ),
      );
      const ops = operations(tf);
      const computed = (): Tensor[] => tf.tidy(() => compute(ops, tensors));
      return {
        result: async () => {
          const results = computed();
          const data = await (results[0] as Tensor).data();
          tf.dispose(results);
          return data;
        },
        run: async () => {
          const results = computed();
          const [result] = results as [Tensor];
          const few = tf.tidy(() => tf.slice(tf.reshape(result, [result.size]), 0, 4));
          await few.data();
          tf.dispose([few, ...results]);
        },
      };
    },
  };
}

/** Masks by their lengths: made once. */
function operations(tf: TensorFlow): Operations<Tensor> {
  const masks = new Map<number, Tensor>();
  const maskOf = (length: number): Tensor => {
    const data = Float32Array.from({ length: length * length }, (_, i) =>
      i % length > Math.floor(i / length) ? -1e9 : 0,
    );
    const mask = masks.get(length) ?? tf.tensor(data, [1, length, length]);
    masks.set(length, mask);
    return mask;
  };
  for (const length of [128, 512]) maskOf(length);
  return {
    matmul: (a, b) => tf.matMul(a, b),
    add: (a, b) => tf.add(a, b),
    gelu: (x, form) => {
      const inner =
        form === 'erf'
          ? tf.erf(tf.mul(x, Math.SQRT1_2))
          : tf.tanh(tf.mul(tf.add(x, tf.mul(tf.pow(x, 3), 0.044715)), Math.sqrt(2 / Math.PI)));
      return tf.mul(tf.mul(x, 0.5), tf.add(inner, 1));
    },
    layerNorm: (x, weight, bias) => {
      const centred = tf.sub(x, tf.mean(x, -1, true));
      const scale = tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), normEps));
      return tf.add(tf.mul(tf.mul(centred, scale), weight), bias);
    },
    softmax: (x) => tf.softmax(x),
    split: (x, parts) => tf.split(x, parts, 1),
    above: (a, b) => tf.concat([a, b], 0),
    attention: (q, k, v, { heads, causal }) => {
      const [queries = 0, width = 0] = q.shape;
      const size = width / heads;
      const apart = (x: Tensor): Tensor =>
        tf.transpose(tf.reshape(x, [x.shape[0] ?? 0, heads, size]), [1, 0, 2]);
      const scores = tf.mul(tf.matMul(apart(q), apart(k), false, true), size ** -0.5);
      const seen = causal ? tf.add(scores, maskOf(queries)) : scores;
      const mixed = tf.matMul(tf.softmax(seen), apart(v));
      return tf.reshape(tf.transpose(mixed, [1, 0, 2]), [queries, width]);
    },
  };
}
