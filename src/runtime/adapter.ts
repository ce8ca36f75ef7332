// Finding an adapter. Browsers have navigator.gpu; Node registers its own search (src/node).

import { TransformerError } from './errors.ts';

/** An adapter and the route it was found by, as a sentence part: "navigator.gpu". */
export interface FoundAdapter {
  readonly adapter: GPUAdapter;
  readonly route: string;
}

export type AdapterFinder = (options: GPURequestAdapterOptions) => Promise<FoundAdapter>;

let findInPlatform: AdapterFinder | undefined;

/** Registers a platform's search for adapters, used when there is no `navigator.gpu`. */
export function registerAdapterFinder(finder: AdapterFinder): void {
  findInPlatform = finder;
}

/** `navigator.gpu` where there is one, also where its type is not declared or it is switched off. */
function navigatorGpu(): GPU | undefined {
  const { navigator } = globalThis as { navigator?: { gpu?: GPU } };
  return navigator?.gpu;
}

export async function findAdapter(options: GPURequestAdapterOptions): Promise<FoundAdapter> {
  const adapter = (await navigatorGpu()?.requestAdapter(options)) ?? null;
  if (adapter !== null) return { adapter, route: 'navigator.gpu' };
  if (findInPlatform !== undefined) return findInPlatform(options);
  throw new TransformerError(
    'ADAPTER_NOT_FOUND',
    navigatorGpu() === undefined
      ? 'This browser has no WebGPU (navigator.gpu is missing). Use a current Chrome, Edge, Safari ' +
          'or Firefox, and serve the page over https or from localhost.'
      : 'WebGPU is there, but it offers no adapter. Switch on graphics acceleration in the ' +
          'browser settings, or update the graphics driver.',
  );
}
