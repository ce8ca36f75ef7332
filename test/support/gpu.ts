// A GPU of its own for each test, on every kind of kernels this device can run.

import { Gpu, type GpuRequestOptions } from 'webgpu-transformer';
import { afterAll } from 'vitest';
import { matrixFeature } from '../../src/runtime/matrices.ts';

export interface TestGpu {
  readonly name: string;
  readonly options: GpuRequestOptions;
}

let found: Promise<TestGpu[]> | undefined;

/**
 * Every tier and form this device can run: kernels for CPU adapters with subgroups of four or wider ones (only
 * where the adapter has them) and without, and kernels for GPUs.
 */
export function testGpus(): Promise<TestGpu[]> {
  found ??= listGpus();
  return found;
}

/** The same, and kernels for GPUs within the default limits, without features. */
export async function testLimits(): Promise<TestGpu[]> {
  const options = { tier: 'gpu', features: [], limits: 'default' } as const;
  return [...(await testGpus()), { name: 'gpu, default limits', options }];
}

async function listGpus(): Promise<TestGpu[]> {
  const gpus: TestGpu[] = [
    { name: 'software', options: { tier: 'software', features: [] } },
    { name: 'gpu', options: { tier: 'gpu' } },
  ];
  const probe = await Gpu.request({ tier: 'software' });
  if (probe.hasSubgroups) {
    const name = probe.hasQuadSubgroups
      ? 'software with subgroups'
      : 'software with wide subgroups';
    gpus.unshift({ name, options: { tier: 'software' } });
  }
  probe.dispose();
  return gpus;
}

/** Matrix units, where the adapter has some. */
export async function matrixGpus(): Promise<TestGpu[]> {
  const options = { tier: 'gpu', features: [matrixFeature] } as const;
  const probe = await Gpu.request(options);
  const { matrices } = probe.info;
  probe.dispose();
  return matrices === undefined ? [] : [{ name: 'gpu with matrices', options }];
}

/** The kinds that whole models are run on: the best one for CPU adapters, and that for GPUs. */
export async function bothTiers(): Promise<TestGpu[]> {
  const [software, ...others] = await testGpus();
  return [software!, others.at(-1)!];
}

/** Loses the device, as a driver that crashes does. */
export async function lose({ device }: Gpu): Promise<void> {
  device.destroy();
  await device.lost;
}

/** The form of kernels that reduce along rows that a Gpu is meant to get. */
export function rowFormOf(gpu: Gpu): string {
  if (gpu.tier === 'gpu') return gpu.hasSubgroups ? 'subgroups' : 'workgroup';
  return gpu.hasQuadSubgroups ? 'subgroup' : 'invocation';
}

/** The kernel that a Gpu is meant to multiply few rows by. */
export function skinnyOf(gpu: Gpu): string {
  return gpu.hasSubgroups ? 'matmul-skinny-subgroups' : 'matmul-skinny';
}

/** Has a Gpu choose kernels as if its adapter had subgroups wider than four. */
export function widenSubgroups(gpu: Gpu): void {
  Object.defineProperty(gpu, 'hasSubgroups', { value: true });
  Object.defineProperty(gpu, 'hasQuadSubgroups', { value: false });
}

/** Has a Gpu put no more than so many bytes into one tensor, as if its device allowed no more. */
export function limitBuffers(gpu: Gpu, bytes: number): void {
  Reflect.deleteProperty(gpu, 'bindingLimit');
  const value = Math.min(bytes, gpu.bindingLimit);
  Object.defineProperty(gpu, 'bindingLimit', { value, configurable: true });
}

/**
 * Runs `work` on a fresh Gpu. Fails on any error WebGPU reports meanwhile, and when `work` leaves a
 * buffer behind.
 */
export async function withGpu(
  options: GpuRequestOptions,
  work: (gpu: Gpu) => Promise<void>,
): Promise<void> {
  const gpu = await Gpu.request(options);
  try {
    await onGpu(gpu, work);
  } finally {
    gpu.dispose();
  }
}

/**
 * The same on one Gpu for all tests of a file, for long lists: some drivers take seconds to compile
 * them. Each test must leave it as clean as one of its own.
 */
export function sharedGpu(
  options: GpuRequestOptions = {},
): (work: (gpu: Gpu) => Promise<void>) => Promise<void> {
  let shared: Promise<Gpu> | undefined;
  afterAll(async () => (await shared)?.dispose());
  return async (work) => {
    shared ??= Gpu.request(options);
    await onGpu(await shared, work);
  };
}

async function onGpu(gpu: Gpu, work: (gpu: Gpu) => Promise<void>): Promise<void> {
  const { device } = gpu;
  const errors: string[] = [];
  const listen = ({ error }: GPUUncapturedErrorEvent): number => errors.push(error.message);
  device.addEventListener('uncapturederror', listen);
  const filters = ['validation', 'out-of-memory', 'internal'] as const;
  for (const filter of filters) device.pushErrorScope(filter);
  try {
    await work(gpu);
    await device.queue.onSubmittedWorkDone();
    const captured = await Promise.all(filters.map(() => device.popErrorScope()));
    errors.push(...captured.filter((error) => error !== null).map((error) => error.message));
    if (errors.length > 0) throw new Error(`WebGPU reported: ${errors.join('\n')}`);
    const { bytes, buffers } = gpu.memory;
    if (bytes !== 0 || buffers !== 0) {
      throw new Error(`The test left ${buffers} buffers (${bytes} bytes) behind.`);
    }
  } finally {
    device.removeEventListener('uncapturederror', listen);
  }
}
