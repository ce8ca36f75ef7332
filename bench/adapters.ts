// The adapter to measure on, the one the library finds or a software adapter by name, and devices on
// it.

import { create } from 'webgpu';
import { nodeAdapters } from '../src/node/adapter.ts';
import { Gpu } from 'webgpu-transformer';

export type Software = 'swiftshader' | 'llvmpipe';

export interface OpenedGpu {
  readonly gpu: Gpu;
  /** What Dawn was started with, for those that are opened here. */
  readonly flags: readonly string[];
}

// As the library starts them; a Dawn instance must outlive its devices.
const flagsOf = {
  swiftshader: ['disable-dawn-features=use_vulkan_zero_initialize_workgroup_memory_extension'],
  llvmpipe: ['backend=opengles'],
} as const;
const instances = new Map<Software, GPU>();

/** A fresh adapter, from which one device can be opened. */
export async function requestAdapter(software: Software | undefined): Promise<GPUAdapter> {
  if (software === undefined) return (await nodeAdapters.find({}, undefined)).adapter;
  if (software === 'llvmpipe') process.env['EGL_PLATFORM'] ??= 'surfaceless';
  const instance = instances.get(software) ?? create([...flagsOf[software]]);
  instances.set(software, instance);
  const adapter = await instance.requestAdapter(
    software === 'llvmpipe' ? { featureLevel: 'compatibility' } : { forceFallbackAdapter: true },
  );
  if (adapter === null) throw new Error(`Dawn finds no ${software} on this machine.`);
  return adapter;
}

/** A device as the library opens it. */
export function requestDevice(adapter: GPUAdapter): Promise<GPUDevice> {
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
  return adapter.requestDevice({
    requiredFeatures: adapter.features.has('subgroups') ? ['subgroups'] : [],
    requiredLimits: { maxBufferSize, maxStorageBufferBindingSize },
  });
}

export async function openGpu(software: Software | undefined): Promise<OpenedGpu> {
  if (software === undefined) return { gpu: await Gpu.request(), flags: [] };
  const device = await requestDevice(await requestAdapter(software));
  return { gpu: Gpu.from(device), flags: flagsOf[software] };
}
