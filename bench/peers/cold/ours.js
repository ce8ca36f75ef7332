import { Plan } from '../../../src/runtime/plan.ts';
import { Recording } from '../../../src/runtime/record.ts';
import { matmul } from '../../../src/shaders/matmul/matmul.ts';
import { Gpu } from 'webgpu-transformer';

const recording = new Recording(await Gpu.request());
const ones = recording.persistent('ones', [64, 64]);
const plan = await Plan.create(recording, [matmul(ones, ones)]);
plan.write(ones, new Float32Array(64 * 64).fill(1));
const [bytes] = await plan.play();
globalThis.cold = { at: performance.now(), value: new Float32Array(bytes)[0] };
