// The search for an adapter in Node. The order: a real GPU, then the drivers that compute on the
// CPU, the fastest first.

import type { AdapterFinder, AdapterName, FoundAdapter } from '../runtime/adapter.ts';
import { nearestName, TransformerError } from '../runtime/errors.ts';
import { show } from '../runtime/print.ts';
import {
  adapterNames,
  type Backend,
  backends,
  type CreateGpu,
  loadDawn,
  missingLibrary,
  requestFrom,
} from './dawn.ts';

/** The variable that names the adapter to use, as the option `adapter` does. */
const variable = 'WEBGPU_TRANSFORMER_ADAPTER';

/** Through which interface each adapter is found; those on the CPU by what is in their names. */
const places: Readonly<
  Record<AdapterName, { readonly backend: Backend; readonly device?: string }>
> = {
  d3d12: { backend: 'd3d12' },
  metal: { backend: 'metal' },
  vulkan: { backend: 'vulkan' },
  opengles: { backend: 'opengles' },
  swiftshader: { backend: 'vulkan', device: 'SwiftShader' },
  lavapipe: { backend: 'vulkan', device: 'llvmpipe' },
  llvmpipe: { backend: 'opengles', device: 'llvmpipe' },
};

const interfaces: Readonly<Record<Backend, string>> = {
  d3d12: 'D3D12',
  metal: 'Metal',
  vulkan: 'Vulkan',
  opengles: 'OpenGL ES',
};

/** The drivers among them that compute on the CPU, by their names and Dawn's. */
const softwareDrivers = [
  ['swiftshader', 'SwiftShader'],
  ['lavapipe', 'lavapipe'],
  ['llvmpipe', 'llvmpipe'],
] as const;

/**
 * From this version of Mesa on, lavapipe compiles fast and computes faster than llvmpipe; 26.1, which does so, too, gave
 * wrong results on some processors.
 */
const fastLavapipe = 26.2;

/** What an interface offers: names of adapters, or the library that it lacks. */
export interface Candidate {
  readonly backend: Backend;
  readonly adapters: readonly string[];
  readonly missing: string | undefined;
}

export const nodeAdapters: AdapterFinder = {
  chosen: () => {
    const name = process.env[variable];
    return name === undefined || name === '' ? undefined : (name as AdapterName);
  },
  find: async (options, name, experimental) => {
    if (name !== undefined) placeOf(name);
    const create = await loadDawn(experimental);
    return name === undefined ? search(create, options) : named(create, options, name);
  },
};

/** Everything that the search can find, in its order. */
export async function listCandidates(): Promise<Candidate[]> {
  const create = await loadDawn();
  const candidates: Candidate[] = [];
  for (const backend of backends) {
    const adapters = await adapterNames(create, backend);
    candidates.push({ backend, adapters, missing: missingLibrary(backend) });
  }
  return candidates;
}

/** A candidate as a line for people. */
export function candidateLine({ backend, adapters, missing }: Candidate): string {
  const none = missing === undefined ? 'nothing' : `nothing, ${missing} is not installed`;
  return `${backend}: ${adapters.length === 0 ? none : adapters.join(', ')}`;
}

async function search(create: CreateGpu, options: GPURequestAdapterOptions): Promise<FoundAdapter> {
  const software = new Map<AdapterName | undefined, FoundAdapter>();
  for (const backend of backends) {
    const adapter = await requestFrom(create, backend, options);
    if (adapter === null) continue;
    const driver = driverOf(adapter, backend);
    const found = { adapter, route: routeOf(adapter, backend) };
    if (driver === undefined && !adapter.info.isFallbackAdapter) return found;
    software.set(driver, found);
    if (driver === 'swiftshader') {
      const beside = await requestFrom(create, backend, options, places.lavapipe.device);
      if (beside !== null) {
        software.set('lavapipe', { adapter: beside, route: routeOf(beside, backend) });
      }
    }
  }
  const lavapipe = software.get('lavapipe');
  const isFast = lavapipe !== undefined && mesaVersion(lavapipe.adapter) >= fastLavapipe;
  const [first] = software.values();
  const found = (isFast ? lavapipe : software.get('llvmpipe')) ?? first;
  if (found !== undefined) return found;
  throw new TransformerError(
    'ADAPTER_NOT_FOUND',
    'Dawn finds no GPU and no software adapter on this machine. Install a graphics driver, or a ' +
      'software one (Debian, Ubuntu: apt-get install libegl-dev libegl-mesa0 libgl1-mesa-dri), ' +
      'or set VK_ADD_DRIVER_FILES to a vk_swiftshader_icd.json. ' +
      // Bun keeps what is set in process.env from native code.
      ('bun' in process.versions ? 'In Bun, set EGL_PLATFORM=surfaceless before it starts. ' : '') +
      `Looked at ${(await listCandidates()).map(candidateLine).join('; ')}.`,
  );
}

/** The adapter that was asked for, or none. */
async function named(
  create: CreateGpu,
  options: GPURequestAdapterOptions,
  name: AdapterName,
): Promise<FoundAdapter> {
  const { backend, device } = placeOf(name);
  const adapter = backends.includes(backend)
    ? await requestFrom(create, backend, options, device)
    : null;
  if (adapter !== null) return { adapter, route: routeOf(adapter, backend) };
  const found = (await listCandidates()).map(candidateLine).join('; ');
  throw new TransformerError(
    'ADAPTER_NOT_FOUND',
    `There is no adapter "${name}" on this machine. Found ${found}. Ask for one of these, or for none.`,
  );
}

function placeOf(name: unknown): { readonly backend: Backend; readonly device?: string } {
  const given = typeof name === 'string' ? name : show(name);
  if (Object.hasOwn(places, given)) return places[given as AdapterName];
  const known = Object.keys(places);
  const nearest = nearestName(given, known);
  const hint = nearest === undefined ? '' : ` Did you mean "${nearest}"?`;
  throw new TransformerError(
    'OPTION_INVALID',
    `The adapter "${given}" is unknown; wanted one of ${known.join(', ')}.${hint} ` +
      `It was named by the option adapter or by ${variable}.`,
  );
}

/** Which of the drivers on the CPU an adapter is; undefined for all else. */
function driverOf({ info }: GPUAdapter, backend: Backend): AdapterName | undefined {
  const name = `${info.architecture} ${info.device} ${info.description}`.toLowerCase();
  const drivers = softwareDrivers.filter(([driver]) => places[driver].backend === backend);
  return drivers.find(([driver]) =>
    name.includes((places[driver].device ?? '').toLowerCase()),
  )?.[0];
}

/** How an adapter is reached, for people: "Dawn on Vulkan", "Dawn on lavapipe, Vulkan on the CPU". */
function routeOf(adapter: GPUAdapter, backend: Backend): string {
  const driver = driverOf(adapter, backend);
  const [, name] = softwareDrivers.find(([one]) => one === driver) ?? [];
  if (name !== undefined) return `Dawn on ${name}, ${interfaces[backend]} on the CPU`;
  const where = adapter.info.isFallbackAdapter ? ' on the CPU' : '';
  return `Dawn on ${interfaces[backend]}${where}`;
}

/** The version of Mesa that a driver states; 0 where it states none. */
function mesaVersion({ info }: GPUAdapter): number {
  return Number(/\bMesa (\d+\.\d)/.exec(info.description)?.[1] ?? 0);
}
