// The step in jax-js, compiled as one function. Its arrays are consumed where they are used; `ref`
// is one more use.

import { adam, heads, layers, normEps, type Problem, smoothing, vocabulary } from './problem.ts';
import { type Library, named, type Side } from './side.ts';

/** As much of an array as is used here. */
interface JaxArray {
  readonly ref: JaxArray;
  add(other: JaxArray | number): JaxArray;
  sub(other: JaxArray | number): JaxArray;
  mul(other: JaxArray | number): JaxArray;
  div(other: JaxArray | number): JaxArray;
  sum(axis?: number): JaxArray;
  mean(axis: number, options: { keepdims: boolean }): JaxArray;
  reshape(shape: readonly number[]): JaxArray;
  data(): Promise<Float32Array>;
  dispose(): void;
}

type Tree = Record<string, JaxArray>;
interface Batch extends Tree {
  readonly source: JaxArray;
  readonly target: JaxArray;
  readonly soft: JaxArray;
  readonly positions: JaxArray;
}
interface State {
  readonly weights: Tree;
  readonly m: Tree;
  readonly v: Tree;
  readonly count: JaxArray;
}
type Step = (state: State, batch: Batch) => [loss: JaxArray, state: State];

/** The package @jax-js/jax. */
export interface Jax {
  readonly numpy: {
    readonly float32: string;
    readonly int32: string;
    array(
      values: ArrayLike<number>,
      options: { shape: readonly number[]; dtype: string },
    ): JaxArray;
    zerosLike(x: JaxArray): JaxArray;
    take(table: JaxArray, indices: JaxArray, axis: number): JaxArray;
    matmul(a: JaxArray, b: JaxArray): JaxArray;
    matrixTranspose(a: JaxArray): JaxArray;
    split(x: JaxArray, parts: number, axis: number): JaxArray[];
    sqrt(x: JaxArray): JaxArray;
    square(x: JaxArray): JaxArray;
    reciprocal(x: JaxArray): JaxArray;
    power(base: number, x: JaxArray): JaxArray;
  };
  readonly nn: {
    relu(x: JaxArray): JaxArray;
    logSoftmax(x: JaxArray): JaxArray;
    oneHot(ids: JaxArray, classes: number): JaxArray;
    dotProductAttention(
      q: JaxArray,
      k: JaxArray,
      v: JaxArray,
      options: { isCausal: boolean },
    ): JaxArray;
  };
  readonly tree: {
    ref<T extends Tree>(tree: T): T;
    dispose(tree: unknown): void;
  };
  init(device: string): Promise<readonly string[]>;
  defaultDevice(device: string): string;
  jit(step: Step): Step & { dispose(): void };
  valueAndGrad(
    f: (weights: Tree, batch: Batch) => JaxArray,
  ): (weights: Tree, batch: Batch) => [JaxArray, Tree];
  blockUntilReady(tree: unknown): Promise<unknown>;
}

/** `jax` must find the adapter to measure in navigator.gpu. */
export async function jaxJs(jax: Jax, version: string): Promise<Library> {
  const devices = await jax.init('webgpu');
  if (!devices.includes('webgpu')) throw new Error('jax-js has no WebGPU backend here.');
  jax.defaultDevice('webgpu');
  return { name: 'jax-js', version, prepare: async (problem) => prepare(jax, problem) };
}

function prepare(jax: Jax, problem: Problem): Side {
  const { numpy: np, nn } = jax;
  const { batch: rows, length, dModel } = problem.size;
  const ids = (tokens: Problem['labels']): JaxArray =>
    np.array(Int32Array.from(tokens.flat()), { shape: [rows, length], dtype: np.int32 });
  const inputs: Batch = {
    source: ids(problem.inputIds),
    target: ids(problem.decoderInputIds),
    soft: nn
      .oneHot(ids(problem.labels), vocabulary)
      .mul(1 - smoothing)
      .add(smoothing / vocabulary),
    positions: np.array(problem.positions.data, { shape: [length, dModel], dtype: np.float32 }),
  };
  const weights = Object.fromEntries(
    Object.entries(problem.weights).map(([name, { data, shape }]) => {
      return [name, np.array(data, { shape, dtype: np.float32 })];
    }),
  );
  const zeros = (): Tree => mapTree(weights, (weight) => np.zerosLike(weight.ref));
  const zero = np.array([0], { shape: [], dtype: np.float32 });
  let state: State = { weights, m: zeros(), v: zeros(), count: zero };
  const step = jax.jit(stepOf(jax, jax.valueAndGrad(lossOf(jax, problem.size))));
  return {
    step: async () => {
      const [loss, next] = step(state, jax.tree.ref(inputs));
      state = next;
      const [[value = NaN]] = await Promise.all([loss.data(), jax.blockUntilReady(state)]);
      return value;
    },
    dispose: () => {
      jax.tree.dispose(state);
      jax.tree.dispose(inputs);
      step.dispose();
    },
  };
}

function mapTree(tree: Tree, f: (array: JaxArray, name: string) => JaxArray): Tree {
  return Object.fromEntries(Object.entries(tree).map(([name, array]) => [name, f(array, name)]));
}

/** Adam with bias correction around a function that gives loss and gradients. */
function stepOf({ numpy: np }: Jax, lossAndGradients: ReturnType<Jax['valueAndGrad']>): Step {
  const { learningRate, beta1, beta2, eps } = adam;
  return (state, batch) => {
    const [loss, gradients] = lossAndGradients(
      mapTree(state.weights, ({ ref }) => ref),
      batch,
    );
    const count = state.count.add(1);
    const correction = (beta: number): JaxArray =>
      np.reciprocal(np.power(beta, count.ref).mul(-1).add(1));
    const [c1, c2] = [correction(beta1), correction(beta2)];
    const old = { m: named(state.m), v: named(state.v), weight: named(state.weights) };
    const m = mapTree(gradients, (g, name) =>
      old
        .m(name)
        .mul(beta1)
        .add(g.ref.mul(1 - beta1)),
    );
    const v = mapTree(gradients, (g, name) =>
      old
        .v(name)
        .mul(beta2)
        .add(np.square(g).mul(1 - beta2)),
    );
    const newV = named(v);
    const weights = mapTree(m, (mean, name) => {
      const root = np.sqrt(newV(name).ref.mul(c2.ref)).add(eps);
      return old.weight(name).sub(mean.ref.mul(c1.ref).mul(learningRate).div(root));
    });
    c1.dispose();
    c2.dispose();
    return [loss, { weights, m, v, count }];
  };
}

function lossOf(
  { numpy: np, nn }: Jax,
  { batch: rows, length, dModel }: Problem['size'],
): (weights: Tree, batch: Batch) => JaxArray {
  return (weights, { source, target, soft, positions }) => {
    const weight = named(weights);
    const of = (name: string): JaxArray => weight(name).ref;
    const linear = (x: JaxArray, name: string): JaxArray =>
      np.matmul(x, of(`${name}.weight`)).add(of(`${name}.bias`));
    const norm = (x: JaxArray, name: string): JaxArray => {
      const centred = x.ref.sub(x.mean(-1, { keepdims: true }));
      const variance = np.square(centred.ref).mean(-1, { keepdims: true });
      const scaled = centred.div(np.sqrt(variance.add(normEps)));
      return scaled.mul(of(`${name}.weight`)).add(of(`${name}.bias`));
    };
    const attend = (parts: readonly JaxArray[], isCausal: boolean): JaxArray => {
      const [q, k, v] = parts.map((part) => part.reshape([rows, length, heads, dModel / heads]));
      if (q === undefined || k === undefined || v === undefined) throw new RangeError('no q, k, v');
      return nn.dotProductAttention(q, k, v, { isCausal }).reshape([rows, length, dModel]);
    };
    const selfAttend = (x: JaxArray, name: string, isCausal: boolean): JaxArray => {
      const mixed = attend(np.split(linear(x.ref, `${name}.qkv`), 3, -1), isCausal);
      return norm(x.add(linear(mixed, `${name}.out`)), `${name}.norm`);
    };
    const crossAttend = (x: JaxArray, memory: JaxArray, name: string): JaxArray => {
      const keyValue = np.split(linear(memory, `${name}.kv`), 2, -1);
      const mixed = attend([linear(x.ref, `${name}.q`), ...keyValue], false);
      return norm(x.add(linear(mixed, `${name}.out`)), `${name}.norm`);
    };
    const feedForward = (x: JaxArray, name: string): JaxArray => {
      const outer = linear(nn.relu(linear(x.ref, `${name}.inner`)), `${name}.outer`);
      return norm(x.add(outer), `${name}.norm`);
    };
    const embed = (ids: JaxArray): JaxArray =>
      np.take(of('embedding'), ids, 0).mul(Math.sqrt(dModel)).add(positions.ref);

    let memory = embed(source);
    for (let layer = 0; layer < layers; layer++) {
      memory = selfAttend(memory, `encoder.${layer}.self`, false);
      memory = feedForward(memory, `encoder.${layer}.feed`);
    }
    let x = embed(target);
    for (let layer = 0; layer < layers; layer++) {
      x = selfAttend(x, `decoder.${layer}.self`, true);
      x = crossAttend(x, memory.ref, `decoder.${layer}.cross`);
      x = feedForward(x, `decoder.${layer}.feed`);
    }
    memory.dispose();
    positions.dispose();
    const logits = np.matmul(x, np.matrixTranspose(of('embedding')));
    for (const array of Object.values(weights)) array.dispose();
    return nn
      .logSoftmax(logits)
      .mul(soft)
      .sum()
      .mul(-1 / (rows * length));
  };
}
