// The cases in ONNX Runtime Web on its WebGPU provider. Inputs, weights and results stay on the GPU.

import type { Values } from './cases.ts';
import { onnxModel, type Style } from './onnx.ts';
import type { Peer } from './peer.ts';
import { workOf } from './work.ts';

interface OrtTensor {
  readonly gpuBuffer: GPUBuffer;
  getData(): Promise<Float32Array>;
  dispose(): void;
}

type Tensors = Readonly<Record<string, OrtTensor>>;

/** As much of the package as is used here. */
export interface Ort {
  readonly env: {
    logLevel: string;
    readonly versions: { readonly common: string };
    readonly wasm: { wasmPaths: string; numThreads: number };
    readonly webgpu: { readonly device: Promise<GPUDevice> | GPUDevice };
  };
  readonly Tensor: {
    fromGpuBuffer(
      buffer: GPUBuffer,
      options: { dataType: 'float32'; dims: readonly number[] },
    ): OrtTensor;
  };
  readonly InferenceSession: {
    create(
      model: Uint8Array,
      options: {
        executionProviders: readonly string[];
        graphOptimizationLevel: 'all';
        preferredOutputLocation: 'gpu-buffer';
      },
    ): Promise<{ run(inputs: Tensors): Promise<Tensors> }>;
  };
}

export async function open(ort: Ort, style: Style): Promise<Peer> {
  ort.env.wasm.wasmPaths = new URL('/ort/', location.href).href;
  ort.env.wasm.numThreads = 2;
  ort.env.logLevel = 'error';
  return {
    version: ort.env.versions.common,
    prepare: async (one, given) => {
      const work = workOf(one, given);
      const session = await ort.InferenceSession.create(onnxModel(work, style), {
        executionProviders: ['webgpu'],
        graphOptimizationLevel: 'all',
        preferredOutputLocation: 'gpu-buffer',
      });
      const device = await ort.env.webgpu.device;
      const inputs = Object.fromEntries(
        Object.entries(work.inputs).map(([name, values]) => [name, upload(ort, device, values)]),
      );
      const few = device.createBuffer({
        size: 16,
        usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
      });
      return {
        result: async () => {
          const results = await session.run(inputs);
          const data = await first(results).getData();
          dispose(results);
          return data;
        },
        run: async () => {
          const results = await session.run(inputs);
          const encoder = device.createCommandEncoder();
          encoder.copyBufferToBuffer(first(results).gpuBuffer, 0, few, 0, 16);
          device.queue.submit([encoder.finish()]);
          await few.mapAsync(GPUMapMode.READ);
          few.unmap();
          dispose(results);
        },
      };
    },
  };
}

function upload(ort: Ort, device: GPUDevice, { shape, data }: Values): OrtTensor {
  const { STORAGE, COPY_SRC, COPY_DST } = GPUBufferUsage;
  const buffer = device.createBuffer({
    size: Math.ceil(data.byteLength / 16) * 16,
    usage: STORAGE | COPY_SRC | COPY_DST,
  });
  device.queue.writeBuffer(buffer, 0, data);
  return ort.Tensor.fromGpuBuffer(buffer, { dataType: 'float32', dims: shape });
}

function first(results: Tensors): OrtTensor {
  const result = results['0'];
  if (result === undefined) throw new RangeError('there is no result');
  return result;
}

function dispose(results: Tensors): void {
  for (const result of Object.values(results)) result.dispose();
}
