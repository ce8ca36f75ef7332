// The search for an adapter in Node: by name, by the environment, and which of several is taken.
import { afterEach, expect, test, vi } from 'vitest';
import { type AdapterName, Gpu } from 'webgpu-transformer';
import { candidateLine, listCandidates, nodeAdapters } from '../../src/node/adapter.ts';
import type { Backend } from '../../src/node/dawn.ts';
import { expectError } from '../support/safetensors.ts';

/** What the mocked Dawn offers, by interface; none of them: Dawn itself is asked. */
let offered: Partial<Record<Backend, readonly Partial<GPUAdapterInfo>[]>> | undefined;

vi.mock(import('../../src/node/dawn.ts'), async (original) => {
  const real = await original();
  return {
    ...real,
    backends: ['vulkan', 'opengles'] satisfies Backend[],
    requestFrom: async (create, backend, options, device) => {
      if (offered === undefined) return real.requestFrom(create, backend, options, device);
      const infos = offered[backend] ?? [];
      const info = infos.find((one) => device === undefined || one.device?.includes(device));
      return info === undefined ? null : ({ info } as GPUAdapter);
    },
  };
});

afterEach(() => {
  offered = undefined;
  vi.unstubAllEnvs();
});

const nvidia = { vendor: 'nvidia', device: 'NVIDIA H100', isFallbackAdapter: false };
const swiftShader = { device: 'SwiftShader Device (Subzero)', isFallbackAdapter: true };
const lavapipe = (version: string): Partial<GPUAdapterInfo> => ({
  architecture: 'software',
  device: 'llvmpipe (LLVM 21.1.8, 256 bits)',
  description: `llvmpipe: Mesa ${version} (LLVM 21.1.8)`,
  isFallbackAdapter: true,
});
const llvmpipe = {
  device: 'llvmpipe (LLVM 15.0.6, 256 bits)',
  description: 'OpenGL version OpenGL ES 3.2 Mesa 22.3.6',
  isFallbackAdapter: false,
};

test('a GPU comes first, then the drivers on the CPU by their speed', async () => {
  const routeOf = async (offer: typeof offered): Promise<string> => {
    offered = offer;
    return (await nodeAdapters.find({}, undefined)).route;
  };
  const opengles = [llvmpipe];
  expect(await routeOf({ vulkan: [nvidia, swiftShader], opengles })).toBe('Dawn on Vulkan');
  const modern = 'Dawn on lavapipe, Vulkan on the CPU';
  expect(await routeOf({ vulkan: [lavapipe('26.2.6-1')], opengles })).toBe(modern);
  expect(await routeOf({ vulkan: [swiftShader, lavapipe('26.2.6-1')], opengles })).toBe(modern);
  const openGL = 'Dawn on llvmpipe, OpenGL ES on the CPU';
  expect(await routeOf({ vulkan: [lavapipe('26.1.6-1')], opengles })).toBe(openGL);
  expect(await routeOf({ vulkan: [lavapipe('25.0.7')], opengles })).toBe(openGL);
  expect(await routeOf({ vulkan: [swiftShader], opengles })).toBe(openGL);
  expect(await routeOf({ vulkan: [lavapipe('25.0.7')] })).toBe(modern);
  expect(await routeOf({ vulkan: [swiftShader] })).toBe('Dawn on SwiftShader, Vulkan on the CPU');
  // A driver of a GPU, without Vulkan.
  const mesa = { device: 'Mesa Intel(R) UHD Graphics', isFallbackAdapter: false };
  expect(await routeOf({ vulkan: [swiftShader], opengles: [mesa] })).toBe('Dawn on OpenGL ES');
  offered = {};
  await expectError(nodeAdapters.find({}, undefined), 'ADAPTER_NOT_FOUND', 'Looked at', 'vulkan: ');
});

test('an adapter that is named is taken', async () => {
  offered = { vulkan: [nvidia, swiftShader, lavapipe('25.0.7')], opengles: [llvmpipe] };
  const routes = async (name: AdapterName): Promise<string> =>
    (await nodeAdapters.find({}, name)).route;
  expect(await routes('vulkan')).toBe('Dawn on Vulkan');
  expect(await routes('swiftshader')).toBe('Dawn on SwiftShader, Vulkan on the CPU');
  expect(await routes('lavapipe')).toBe('Dawn on lavapipe, Vulkan on the CPU');
  expect(await routes('llvmpipe')).toBe('Dawn on llvmpipe, OpenGL ES on the CPU');
});

test('what this machine has can be named, by the option and by the environment', async () => {
  const candidates = await listCandidates();
  const found = candidates.find(({ adapters }) => adapters.length > 0)!;
  expect(candidateLine(found)).toContain(found.adapters[0]);
  using gpu = await Gpu.request({ adapter: found.backend });
  expect(gpu.info.route).toMatch(/^Dawn on /);
  vi.stubEnv('WEBGPU_TRANSFORMER_ADAPTER', found.backend);
  using same = await Gpu.request();
  expect(same.info).toEqual(gpu.info);
  vi.stubEnv('WEBGPU_TRANSFORMER_ADAPTER', 'vulcan');
  await expectError(Gpu.request(), 'OPTION_INVALID', '"vulcan"', 'Did you mean "vulkan"?');
  // The option comes before the variable.
  using mine = await Gpu.request({ adapter: found.backend });
  expect(mine.info).toEqual(gpu.info);
});

test('what this machine lacks is refused with what it has', async () => {
  const candidates = await listCandidates();
  const error = await expectError(
    Gpu.request({ adapter: 'metal' }),
    'ADAPTER_NOT_FOUND',
    '"metal"',
  );
  for (const candidate of candidates) expect(error.message).toContain(candidateLine(candidate));
});
