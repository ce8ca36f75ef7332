import * as ort from 'onnxruntime-web/webgpu';
import { onnxModel } from '../onnx.ts';

ort.env.wasm.wasmPaths = new URL('/ort/', location.href).href;
const ones = { shape: [64, 64], data: new Float32Array(64 * 64).fill(1) };
const work = {
  inputs: { ones },
  weights: {},
  compute: (ops, values) => [ops.matmul(values.ones, values.ones)],
};
const options = { executionProviders: ['webgpu'] };
const session = await ort.InferenceSession.create(onnxModel(work, 'plain'), options);
const results = await session.run({ ones: new ort.Tensor('float32', ones.data, ones.shape) });
globalThis.cold = { at: performance.now(), value: (await results[0].getData())[0] };
