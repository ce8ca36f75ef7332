// Dawn, which the optional package `webgpu` brings to Node: its instances, and what each of its
// interfaces to drivers offers on this machine.

import { existsSync } from 'node:fs';
import { messageOf } from '../runtime/print.ts';
import { refused } from '../runtime/adapter.ts';
import { dawnFailure } from './dawn-failure.ts';

/** Dawn's names of the interfaces that drivers have. */
export type Backend = 'd3d12' | 'metal' | 'vulkan' | 'opengles';

export type CreateGpu = (flags: string[]) => GPU;

/** The interfaces to look at, the one for GPUs first. */
export const backends: readonly Backend[] =
  process.platform === 'win32'
    ? ['d3d12', 'vulkan']
    : process.platform === 'darwin'
      ? ['metal']
      : ['vulkan', 'opengles'];

/** The libraries that Dawn opens on Linux; without them it complains on the terminal. */
const libraries: Partial<Record<Backend, string>> = {
  vulkan: 'libvulkan.so.1',
  opengles: 'libEGL.so',
};

/** Dawn's instances by their flags. Devices crash when theirs is collected before them. */
const instances = new Map<string, GPU>();

const flagsOf: Partial<Record<Backend, readonly string[]>> = {
  // SwiftShader zero-fills workgroup memory element by element without this; it stays zero-filled.
  vulkan: [
    'disable-dawn-features=use_vulkan_zero_initialize_workgroup_memory_extension',
    'enable-dawn-features=vulkan_enable_f16_on_nvidia',
  ],
};

/** Where distributions put the SwiftShader that comes with Chromium. */
const swiftShaderManifests = [
  '/usr/lib/chromium/vk_swiftshader_icd.json',
  '/usr/lib/chromium-browser/vk_swiftshader_icd.json',
  '/opt/google/chrome/vk_swiftshader_icd.json',
];

const enabling = 'enable-dawn-features=';

/** The flags with Dawn's unsafe features switched on, which experimental features are among. */
function unsafe(flags: readonly string[]): string[] {
  const on = flags.filter((flag) => flag.startsWith(enabling));
  const names = [...on.map((flag) => flag.slice(enabling.length)), 'allow_unsafe_apis'];
  return [...flags.filter((flag) => !on.includes(flag)), `${enabling}${names.join(',')}`];
}

/** `experimental`: whether adapters are to offer features that are no part of WebGPU yet. */
export async function loadDawn(experimental = false): Promise<CreateGpu> {
  try {
    const { create } = await import('webgpu');
    return (given) => {
      const flags = experimental ? unsafe(given) : given;
      const key = flags.join();
      const instance = instances.get(key) ?? create(flags);
      instances.set(key, instance);
      return instance;
    };
  } catch (cause) {
    throw dawnFailure(cause);
  }
}

/** The library of an interface that is not installed; undefined when there is nothing to miss. */
export function missingLibrary(backend: Backend): string | undefined {
  const library = process.platform === 'linux' ? libraries[backend] : undefined;
  return library === undefined || canOpen(library) ? undefined : library;
}

/** Whether the dynamic linker finds a library. Node opens it, and then says that it is no addon. */
function canOpen(library: string): boolean {
  try {
    process.dlopen({ exports: {} }, library);
    return true;
  } catch (error) {
    return !/cannot open shared object file|No such file/.test(String(error));
  }
}

/** An interface's best adapter, or the one whose name has `device` in it; null where there is none. */
export async function requestFrom(
  create: CreateGpu,
  backend: Backend,
  options: GPURequestAdapterOptions,
  device?: string,
): Promise<GPUAdapter | null> {
  if (missingLibrary(backend) !== undefined) return null;
  const flags = [
    ...(flagsOf[backend] ?? []),
    ...(device === undefined ? [] : [`adapter=${device}`]),
  ];
  try {
    return await requestAdapter(create, backend, flags, options);
  } catch (error) {
    // What Dawn says when it has adapters, but none of that name.
    if (namesIn(error).length > 0) return null;
    return refused(error);
  }
}

/** The names of all adapters of an interface. */
export async function adapterNames(create: CreateGpu, backend: Backend): Promise<string[]> {
  if (missingLibrary(backend) !== undefined) return [];
  try {
    // Dawn lists what it has when it is asked for a name that nothing has.
    const adapter = await requestAdapter(create, backend, ['adapter=\n'], {});
    return adapter === null ? [] : [adapter.info.device];
  } catch (error) {
    return namesIn(error);
  }
}

function requestAdapter(
  create: CreateGpu,
  backend: Backend,
  flags: readonly string[],
  options: GPURequestAdapterOptions,
): Promise<GPUAdapter | null> {
  const gpu = create([`backend=${backend}`, ...flags]);
  if (backend === 'vulkan') offerSwiftShader();
  if (backend !== 'opengles') return gpu.requestAdapter(options);
  // It needs no display, and has the features that WebGPU calls "compatibility".
  process.env['EGL_PLATFORM'] ??= 'surfaceless';
  return gpu.requestAdapter({ ...options, featureLevel: 'compatibility' });
}

function namesIn(error: unknown): string[] {
  const text = messageOf(error);
  return [...text.matchAll(/backend: '[^']*', name: '([^']*)'/g)].map(([, name = '']) => name);
}

/** Lets the Vulkan loader see an installed SwiftShader beside the drivers it knows. */
function offerSwiftShader(): void {
  const { env } = process;
  const chosen = ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES', 'VK_ADD_DRIVER_FILES'];
  if (chosen.some((name) => env[name] !== undefined)) return;
  const manifest = swiftShaderManifests.find((path) => existsSync(path));
  if (manifest !== undefined) env['VK_ADD_DRIVER_FILES'] = manifest;
}
