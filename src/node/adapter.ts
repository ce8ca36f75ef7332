// Finding an adapter in Node, where the optional package `webgpu` brings Dawn. The order: a real
// GPU, then llvmpipe through OpenGL ES (fast for a CPU), then SwiftShader through Vulkan.

import { existsSync } from 'node:fs';
import type { FoundAdapter } from '../runtime/adapter.ts';
import { TransformerError } from '../runtime/errors.ts';
import { dawnFailure } from './dawn-failure.ts';

type CreateGpu = (flags: string[]) => GPU;

/** Dawn's instances by their flags. Devices crash when theirs is collected before them. */
const instances = new Map<string, GPU>();

// SwiftShader zero-fills workgroup memory element by element without this; it stays zero-filled.
const vulkanFlags = [
  'disable-dawn-features=use_vulkan_zero_initialize_workgroup_memory_extension',
  'enable-dawn-features=vulkan_enable_f16_on_nvidia',
];

/** Where distributions put the SwiftShader that comes with Chromium. */
const swiftShaderManifests = [
  '/usr/lib/chromium/vk_swiftshader_icd.json',
  '/usr/lib/chromium-browser/vk_swiftshader_icd.json',
  '/opt/google/chrome/vk_swiftshader_icd.json',
];

/** Where distributions put the EGL loader. */
const openGLPaths = [
  '/usr/lib/x86_64-linux-gnu',
  '/usr/lib/aarch64-linux-gnu',
  '/usr/lib64',
  '/usr/lib',
].map((folder) => `${folder}/libEGL.so.1`);

export async function findNodeAdapter(options: GPURequestAdapterOptions): Promise<FoundAdapter> {
  const create = await loadDawn();
  offerSwiftShader();
  const vulkan = await create(vulkanFlags).requestAdapter(options);
  if (vulkan !== null && !vulkan.info.isFallbackAdapter) {
    return { adapter: vulkan, route: 'Dawn on a GPU' };
  }
  const llvmpipe = await requestThroughOpenGL(create, options);
  if (llvmpipe !== null) return { adapter: llvmpipe, route: 'Dawn on OpenGL ES' };
  if (vulkan !== null) return { adapter: vulkan, route: 'Dawn on SwiftShader' };
  throw new TransformerError(
    'ADAPTER_NOT_FOUND',
    'Dawn finds no GPU and no software adapter on this machine. Install a graphics driver, or a ' +
      'software one (Debian, Ubuntu: apt-get install libegl1 libgles2 libegl-mesa0 libgl1-mesa-dri), ' +
      'or set VK_ADD_DRIVER_FILES to a vk_swiftshader_icd.json.',
  );
}

async function loadDawn(): Promise<CreateGpu> {
  try {
    const { create } = await import('webgpu');
    return (flags) => {
      const key = flags.join();
      const instance = instances.get(key) ?? create(flags);
      instances.set(key, instance);
      return instance;
    };
  } catch (cause) {
    throw dawnFailure(cause);
  }
}

/** Lets the Vulkan loader see an installed SwiftShader beside the drivers it knows. */
function offerSwiftShader(): void {
  const { env } = process;
  const chosen = ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES', 'VK_ADD_DRIVER_FILES'];
  if (chosen.some((name) => env[name] !== undefined)) return;
  const manifest = swiftShaderManifests.find((path) => existsSync(path));
  if (manifest !== undefined) env['VK_ADD_DRIVER_FILES'] = manifest;
}

/** An OpenGL ES adapter that needs no display. WebGPU calls its feature level "compatibility". */
async function requestThroughOpenGL(
  create: CreateGpu,
  options: GPURequestAdapterOptions,
): Promise<GPUAdapter | null> {
  // Without the library Dawn complains on the terminal.
  if (process.platform !== 'linux' || !openGLPaths.some((path) => existsSync(path))) return null;
  process.env['EGL_PLATFORM'] ??= 'surfaceless';
  const gpu = create(['backend=opengles']);
  return gpu.requestAdapter({ ...options, featureLevel: 'compatibility' });
}
