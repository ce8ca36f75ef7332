// Finding an adapter. Browsers have navigator.gpu; Node registers its own search (src/node).

import { TransformerError } from './errors.ts';
import { messageOf } from './print.ts';

/**
 * What can be asked for in place of the usual search: an interface to drivers, or a driver that
 * computes on the CPU (SwiftShader and Mesa's lavapipe through Vulkan, Mesa's llvmpipe through
 * OpenGL ES).
 */
export type AdapterName =
  | 'd3d12'
  | 'metal'
  | 'vulkan'
  | 'opengles'
  | 'swiftshader'
  | 'lavapipe'
  | 'llvmpipe';

export interface AdapterOptions extends GPURequestAdapterOptions {
  readonly adapter?: AdapterName | undefined;
  /** Whether experimental features are wanted, which Node's search switches on. */
  readonly experimental?: boolean;
}

/** An adapter and the route it was found by, as a sentence part: "navigator.gpu". */
export interface FoundAdapter {
  readonly adapter: GPUAdapter;
  readonly route: string;
}

/** A platform's own search. */
export interface AdapterFinder {
  /** The adapter that the environment names. */
  readonly chosen: () => AdapterName | undefined;
  readonly find: (
    options: GPURequestAdapterOptions,
    name: AdapterName | undefined,
    experimental?: boolean,
  ) => Promise<FoundAdapter>;
}

let platform: AdapterFinder | undefined;

/** Registers a platform's search, used when there is no `navigator.gpu` or an adapter is named. */
export function registerAdapterFinder(finder: AdapterFinder): void {
  platform = finder;
}

/** `navigator.gpu` where there is one, also where its type is not declared or it is switched off. */
function navigatorGpu(): GPU | undefined {
  const { navigator } = globalThis as { navigator?: { gpu?: GPU } };
  return navigator?.gpu;
}

/** @throws TransformerError ADAPTER_NOT_FOUND, OPTION_INVALID */
export async function findAdapter({
  adapter: name,
  experimental = false,
  ...options
}: AdapterOptions): Promise<FoundAdapter> {
  const wanted: unknown = name === undefined ? platform?.chosen() : name;
  if (wanted !== undefined) {
    if (platform !== undefined) return platform.find(options, wanted as AdapterName, experimental);
    const got = typeof wanted === 'string' ? `"${wanted}"` : `a ${typeof wanted}`;
    throw new TransformerError(
      'OPTION_INVALID',
      `adapter is ${got}, but here the browser chooses. Leave it out; powerPreference tells ` +
        'the browser which kind of GPU to take.',
    );
  }
  const gpu = navigatorGpu();
  const adapter = (await gpu?.requestAdapter(options).catch(refused)) ?? null;
  if (adapter !== null) return { adapter, route: 'navigator.gpu' };
  if (platform !== undefined) return platform.find(options, undefined, experimental);
  throw new TransformerError(
    'ADAPTER_NOT_FOUND',
    gpu === undefined
      ? 'This browser has no WebGPU (navigator.gpu is missing). Use a current Chrome, Edge, Safari ' +
          'or Firefox, and serve the page over https or from localhost.'
      : 'WebGPU is there, but it offers no adapter. Switch on graphics acceleration in the ' +
          'browser settings, or update the graphics driver.',
  );
}

/** What `requestAdapter` rejects with, as an error of this library. */
export function refused(cause: unknown): never {
  const why = messageOf(cause);
  throw new TransformerError('ADAPTER_NOT_FOUND', `WebGPU gave no adapter: ${why}`, { cause });
}
