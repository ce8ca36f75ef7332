// The device to measure on: the one the library finds, or a software adapter by name.

import { create } from 'webgpu';
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
const instances: GPU[] = [];

export async function openGpu(software: Software | undefined): Promise<OpenedGpu> {
  if (software === undefined) return { gpu: await Gpu.request(), flags: [] };
  if (software === 'llvmpipe') process.env['EGL_PLATFORM'] ??= 'surfaceless';
  const flags = [...flagsOf[software]];
  const instance = create(flags);
  instances.push(instance);
  const adapter = await instance.requestAdapter(
    software === 'llvmpipe' ? { featureLevel: 'compatibility' } : { forceFallbackAdapter: true },
  );
  if (adapter === null) throw new Error(`Dawn finds no ${software} on this machine.`);
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
  const device = await adapter.requestDevice({
    requiredFeatures: adapter.features.has('subgroups') ? ['subgroups'] : [],
    requiredLimits: { maxBufferSize, maxStorageBufferBindingSize },
  });
  return { gpu: Gpu.from(device), flags };
}
