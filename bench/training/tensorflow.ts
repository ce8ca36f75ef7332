// The step in TensorFlow.js on its WebGPU backend. Tokens are rows of matrices, (batch · length,
// d_model), but for attention, (batch, heads, length, d_k).

import { adam, heads, layers, normEps, type Problem, smoothing, vocabulary } from './problem.ts';
import { type Library, named, type Side } from './side.ts';

interface Tensor {
  data(): Promise<Float32Array>;
  dispose(): void;
}

interface Optimizer {
  minimize(f: () => Tensor, returnCost: true, variables: readonly Tensor[]): Tensor;
  dispose(): void;
}

/** The package @tensorflow/tfjs, with the WebGPU backend beside it. */
export interface TensorFlow {
  readonly version_core: string;
  readonly train: {
    adam(learningRate: number, beta1: number, beta2: number, eps: number): Optimizer;
  };
  setBackend(name: string): Promise<boolean>;
  tensor(values: unknown, shape?: readonly number[], dtype?: string): Tensor;
  variable(initial: Tensor): Tensor;
  add(a: Tensor, b: Tensor | number): Tensor;
  sub(a: Tensor, b: Tensor): Tensor;
  mul(a: Tensor, b: Tensor | number): Tensor;
  square(x: Tensor): Tensor;
  rsqrt(x: Tensor): Tensor;
  relu(x: Tensor): Tensor;
  sum(x: Tensor): Tensor;
  mean(x: Tensor, axis: number, keepDims: boolean): Tensor;
  reshape(x: Tensor, shape: readonly number[]): Tensor;
  transpose(x: Tensor, axes: readonly number[]): Tensor;
  gather(table: Tensor, ids: Tensor): Tensor;
  matMul(a: Tensor, b: Tensor, transposeA?: boolean, transposeB?: boolean): Tensor;
  split(x: Tensor, parts: number, axis: number): Tensor[];
  softmax(x: Tensor): Tensor;
  logSoftmax(x: Tensor): Tensor;
  oneHot(ids: Tensor, depth: number): Tensor;
  tidy<T extends Tensor | Tensor[]>(f: () => T): T;
}

/** `tf` must find the adapter to measure in navigator.gpu. */
export async function tensorFlow(tf: TensorFlow): Promise<Library> {
  if (!(await tf.setBackend('webgpu')))
    throw new Error('TensorFlow.js has no WebGPU backend here.');
  return {
    name: 'TensorFlow.js',
    version: tf.version_core,
    prepare: async (problem) => prepare(tf, problem),
  };
}

function prepare(tf: TensorFlow, { weights, positions, size, ...problem }: Problem): Side {
  const { dModel, batch, length } = size;
  const variables = Object.fromEntries(
    Object.entries(weights).map(([name, { data, shape }]) => {
      return [name, tf.variable(tf.tensor(data, shape))];
    }),
  );
  const of = named(variables);
  const ids = (rows: readonly (readonly number[])[]): Tensor =>
    tf.tensor(rows.flat(), undefined, 'int32');
  const [source, target, labels] = [problem.inputIds, problem.decoderInputIds, problem.labels].map(
    ids,
  );
  if (source === undefined || target === undefined || labels === undefined)
    throw new RangeError('no ids');
  const places = tf.tensor(positions.data, [1, length, dModel]);
  const [soft, causal] = tf.tidy(() => [
    tf.add(tf.mul(tf.oneHot(labels, vocabulary), 1 - smoothing), smoothing / vocabulary),
    tf.tensor(
      Array.from({ length: length * length }, (_, i) =>
        i % length > Math.floor(i / length) ? -1e9 : 0,
      ),
      [1, 1, length, length],
    ),
  ]);
  if (soft === undefined || causal === undefined) throw new RangeError('no constants');

  const linear = (x: Tensor, name: string): Tensor =>
    tf.add(tf.matMul(x, of(`${name}.weight`)), of(`${name}.bias`));
  const addNorm = (x: Tensor, y: Tensor, name: string): Tensor => {
    const sum = tf.add(x, y);
    const centred = tf.sub(sum, tf.mean(sum, -1, true));
    const scale = tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), normEps));
    return tf.add(tf.mul(tf.mul(centred, scale), of(`${name}.weight`)), of(`${name}.bias`));
  };
  const attend = (parts: readonly Tensor[], mask?: Tensor): Tensor => {
    const [q, k, v] = parts.map((part) =>
      tf.transpose(tf.reshape(part, [batch, length, heads, dModel / heads]), [0, 2, 1, 3]),
    );
    if (q === undefined || k === undefined || v === undefined) throw new RangeError('no q, k, v');
    const scores = tf.mul(tf.matMul(q, k, false, true), (dModel / heads) ** -0.5);
    const mixed = tf.matMul(tf.softmax(mask === undefined ? scores : tf.add(scores, mask)), v);
    return tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [batch * length, dModel]);
  };
  const selfAttend = (x: Tensor, name: string, mask?: Tensor): Tensor => {
    const mixed = attend(tf.split(linear(x, `${name}.qkv`), 3, 1), mask);
    return addNorm(x, linear(mixed, `${name}.out`), `${name}.norm`);
  };
  const crossAttend = (x: Tensor, memory: Tensor, name: string): Tensor => {
    const mixed = attend([linear(x, `${name}.q`), ...tf.split(linear(memory, `${name}.kv`), 2, 1)]);
    return addNorm(x, linear(mixed, `${name}.out`), `${name}.norm`);
  };
  const feedForward = (x: Tensor, name: string): Tensor => {
    const inner = tf.relu(linear(x, `${name}.inner`));
    return addNorm(x, linear(inner, `${name}.outer`), `${name}.norm`);
  };
  const embed = (tokens: Tensor): Tensor => {
    const vectors = tf.mul(tf.gather(of('embedding'), tokens), Math.sqrt(dModel));
    const placed = tf.add(tf.reshape(vectors, [batch, length, dModel]), places);
    return tf.reshape(placed, [batch * length, dModel]);
  };
  const loss = (): Tensor => {
    let memory = embed(source);
    for (let layer = 0; layer < layers; layer++) {
      memory = selfAttend(memory, `encoder.${layer}.self`);
      memory = feedForward(memory, `encoder.${layer}.feed`);
    }
    let x = embed(target);
    for (let layer = 0; layer < layers; layer++) {
      x = selfAttend(x, `decoder.${layer}.self`, causal);
      x = crossAttend(x, memory, `decoder.${layer}.cross`);
      x = feedForward(x, `decoder.${layer}.feed`);
    }
    const logits = tf.matMul(x, of('embedding'), false, true);
    return tf.mul(tf.sum(tf.mul(tf.logSoftmax(logits), soft)), -1 / (batch * length));
  };

  const { learningRate, beta1, beta2, eps } = adam;
  const optimizer = tf.train.adam(learningRate, beta1, beta2, eps);
  const trained = Object.values(variables);
  return {
    step: async () => {
      const cost = optimizer.minimize(loss, true, trained);
      const [value = NaN] = await cost.data();
      cost.dispose();
      return value;
    },
    dispose: () => {
      optimizer.dispose();
      for (const tensor of [...trained, source, target, labels, places, soft, causal])
        tensor.dispose();
    },
  };
}
