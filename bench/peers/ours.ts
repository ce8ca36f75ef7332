// The cases in this library: kernels by its operations, models by loadModel, as a page would.

import { Plan } from '../../src/runtime/plan.ts';
import { Recording } from '../../src/runtime/record.ts';
import { Scope } from '../../src/runtime/scope.ts';
import type { Tensor } from '../../src/runtime/tensor.ts';
import { attention } from '../../src/shaders/attention/attention.ts';
import { matmul } from '../../src/shaders/matmul/matmul.ts';
import { normalize } from '../../src/shaders/rows/norm.ts';
import { softmax } from '../../src/shaders/rows/softmax.ts';
import { Gpu, loadModel } from 'webgpu-transformer';
import { ours as trained } from '../training/ours.ts';
import { type KernelCase, kernelInputs, type ModelCase, type Values } from './cases.ts';
import { normEps } from './models.ts';
import { bertSource, gpt2Source } from './ours-checkpoints.ts';
import type { Peer, Running } from './peer.ts';
import { trainingRun } from './training-run.ts';
import { idsOf, transposed } from './work.ts';

type Words = Uint32Array<ArrayBuffer>;

/** Tokens of one `run` of a decoder: its steps go on from the same prompt. */
const newTokens = 4;

export async function open(version: string): Promise<Peer> {
  const gpu = await Gpu.request();
  return {
    version,
    prepare: (one) => {
      if (one.kind === 'training step') return trainingRun(trained(gpu.device, version));
      if ('rows' in one) return kernel(gpu, one);
      return one.kind === 'encoder' ? encoder(gpu, one) : decoderStep(gpu, one);
    },
  };
}

async function kernel(gpu: Gpu, one: KernelCase): Promise<Running> {
  const scope = new Scope(gpu);
  const tensors = new Map<string, Tensor>();
  const upload = (label: string, shape: readonly number[], data: Values['data'] | Words): void => {
    const tensor = scope.tensor({
      label,
      shape,
      dtype: data instanceof Uint32Array ? 'u32' : 'f32',
    });
    if (tensor.buffer) gpu.device.queue.writeBuffer(tensor.buffer, tensor.offset, data);
    tensors.set(label, tensor);
  };
  for (const [name, given] of Object.entries(kernelInputs(one))) {
    // Weights of products lie as linear layers store them; attention takes batches of sequences.
    const { shape, data } = one.kind === 'matmul' && name === 'weight' ? transposed(given) : given;
    upload(name, one.kind === 'attention' ? [1, ...shape] : shape, data);
  }
  if (one.kind === 'attention') upload('mask', [1, one.rows], new Uint32Array(one.rows).fill(1));
  const planOf = async (isRead: boolean): Promise<Plan> => {
    const recording = new Recording(gpu);
    // Of a run four bytes come back, so that it ends when the GPU is done.
    const marker = recording.persistent('marker', [1]);
    const result = record(one, (name) => {
      const tensor = tensors.get(name);
      if (tensor === undefined) throw new RangeError(`there is no ${name}`);
      return recording.use(tensor);
    });
    return Plan.create(recording, [isRead ? result : marker]);
  };
  const [whole, timed] = [await planOf(true), await planOf(false)];
  return {
    result: async () => {
      const [bytes = new ArrayBuffer(0)] = await whole.play();
      return new Float32Array(bytes);
    },
    run: async () => {
      await timed.play();
    },
  };
}

function record(
  { kind, heads = 1, columns, causal = false }: KernelCase,
  input: (name: string) => Tensor,
): Tensor {
  if (kind === 'matmul') return matmul(input('x'), input('weight'), { transposed: true });
  if (kind === 'softmax') return softmax(input('x'));
  if (kind === 'layer norm') {
    return normalize(input('x'), { weight: input('weight'), bias: input('bias'), eps: normEps });
  }
  const [q, k, v] = ['q', 'k', 'v'].map((name) => ({ tensor: input(name), start: 0 }));
  if (q === undefined || k === undefined || v === undefined) throw new RangeError('no heads');
  const headSize = columns / heads;
  return attention({ q, k, v, keyMask: input('mask'), heads, headSize, causal }).output;
}

async function encoder(gpu: Gpu, one: ModelCase): Promise<Running> {
  const model = await loadModel(bertSource(one), { gpu });
  const inputIds = [idsOf(one)];
  const result = async (): Promise<ArrayLike<number>> => {
    const { lastHiddenState } = await model.forward({ inputIds });
    if (lastHiddenState === undefined) throw new Error('The encoder gave no hidden state.');
    return lastHiddenState.data;
  };
  return { result, run: async () => void (await result()) };
}

async function decoderStep(gpu: Gpu, one: ModelCase): Promise<Running> {
  const model = await loadModel(gpt2Source(one), { gpu });
  const inputIds = [idsOf(one)];
  const generate = async (): Promise<number[]> => {
    const { sequences } = await model.generate(
      { inputIds },
      { maxNewTokens: newTokens, doSample: false },
    );
    return sequences[0]?.slice(one.past + 1) ?? [];
  };
  return {
    result: async () => {
      const { logits } = await model.forward({ inputIds });
      return logits?.data.slice(-one.vocabulary) ?? [];
    },
    run: async () => {
      await generate();
    },
    parts: newTokens,
    token: (await generate())[0] ?? -1,
  };
}
