// A device with what belongs to it: tier, pipelines, memory count. Everything else hangs on a Gpu;
// there is no state outside it, so several devices can be used side by side.

import { type AdapterName, type FoundAdapter, findAdapter } from './adapter.ts';
import { messageOf } from './print.ts';
import { refuseUnknown, throwIfAborted, TransformerError } from './errors.ts';
import { PipelineCache } from './pipelines.ts';
import type { Device } from './platform-types.ts';

/** `software`: CPU adapters such as SwiftShader and llvmpipe. `gpu`: everything else. */
export type Tier = 'software' | 'gpu';

export interface GpuOptions {
  /** Kernels to use; chosen by the adapter when absent. */
  tier?: Tier;
  /** Which optional features to use, of those the device has. All that help by default. */
  features?: readonly string[];
}

export interface GpuRequestOptions extends GpuOptions {
  /**
   * In Node, the adapter to use in place of the first that the search finds. The variable
   * WEBGPU_TRANSFORMER_ADAPTER names it for the whole process.
   */
  adapter?: AdapterName;
  powerPreference?: 'low-power' | 'high-performance';
  /** `default` asks for WebGPU's default limits only; `adapter` (default) for larger buffers too. */
  limits?: 'default' | 'adapter';
  signal?: AbortSignal;
}

export interface GpuInfo {
  readonly vendor: string;
  readonly architecture: string;
  readonly description: string;
  readonly isFallbackAdapter: boolean;
  readonly features: readonly string[];
  /** Smallest and largest subgroup, 0 when unknown. */
  readonly subgroupSizes: readonly [number, number];
  readonly tier: Tier;
  /** How the adapter was found, e.g. "navigator.gpu". */
  readonly route: string;
}

/** Bytes and number of GPU buffers held now, and the most bytes ever held. */
export interface GpuMemory {
  readonly bytes: number;
  readonly buffers: number;
  readonly peakBytes: number;
}

const helpfulFeatures: readonly GPUFeatureName[] = ['subgroups'];
const softwareNames = /swiftshader|llvmpipe|lavapipe|softpipe|microsoft basic render/i;

export class Gpu {
  /** Count of buffers, kept by scopes. @internal */
  readonly meter: MemoryMeter = new MemoryMeter();
  #device: GPUDevice;
  #info: GpuInfo;
  #pipelines: PipelineCache;
  #unusable: string | undefined;
  readonly #options: GpuRequestOptions | undefined;

  private constructor(device: GPUDevice, info: GpuInfo, options?: GpuRequestOptions) {
    this.#device = device;
    this.#info = info;
    this.#pipelines = new PipelineCache(device);
    this.#options = options;
    this.#watch(device);
  }

  /**
   * Finds an adapter and opens a device on it. In browsers the adapter is `navigator.gpu`'s; in
   * Node the package `webgpu` (Dawn) is asked for a real GPU, then for drivers on the CPU.
   * @throws TransformerError ADAPTER_NOT_FOUND, with what to install; DEVICE_REFUSED
   */
  static async request(options: GpuRequestOptions = {}): Promise<Gpu> {
    const known = ['adapter', 'tier', 'features', 'powerPreference', 'limits', 'signal'];
    refuseUnknown(options, known, 'option of Gpu.request');
    checkGpuOptions(options);
    const { powerPreference, limits, signal } = options;
    checkChoice('powerPreference', powerPreference, ['low-power', 'high-performance']);
    checkChoice('limits', limits, ['default', 'adapter']);
    if (signal !== undefined && !(signal instanceof AbortSignal)) {
      throw new TransformerError('OPTION_INVALID', 'signal is no AbortSignal. Pass one, or none.');
    }
    const { device, found } = await openDevice(options);
    return new Gpu(device, describeDevice(device, found.route, options, found.adapter), options);
  }

  /** Uses a device that you own: it is never destroyed by this library. */
  static from(device: Device, options: GpuOptions = {}): Gpu {
    refuseUnknown(options, ['tier', 'features'], 'option of Gpu.from');
    checkGpuOptions(options);
    if (typeof (device as Partial<GPUDevice> | null | undefined)?.createBuffer !== 'function') {
      throw new TransformerError(
        'INPUT_INVALID',
        'Gpu.from wants a GPUDevice. Pass what adapter.requestDevice() gave; or use Gpu.request().',
      );
    }
    return new Gpu(device, describeDevice(device, 'an injected device', options));
  }

  get info(): GpuInfo {
    return this.#info;
  }

  get tier(): Tier {
    return this.#info.tier;
  }

  get memory(): GpuMemory {
    const { bytes, buffers, peakBytes } = this.meter;
    return { bytes, buffers, peakBytes };
  }

  /** The device in use. Throws when it is lost or this Gpu was disposed. */
  get device(): Device {
    this.assertUsable();
    return this.#device;
  }

  /** @internal */
  get pipelines(): PipelineCache {
    this.assertUsable();
    return this.#pipelines;
  }

  /** Bytes that one tensor may have: they must fit into one buffer, and one binding. @internal */
  get bindingLimit(): number {
    const { maxBufferSize, maxStorageBufferBindingSize } = this.device.limits;
    return Math.min(maxBufferSize, maxStorageBufferBindingSize);
  }

  /** Whether kernels may count on subgroups of exactly four invocations, as on SwiftShader. @internal */
  get hasQuadSubgroups(): boolean {
    const { features, subgroupSizes } = this.#info;
    return features.includes('subgroups') && subgroupSizes[0] === 4 && subgroupSizes[1] === 4;
  }

  /** Throws DEVICE_LOST when the device can no longer work. @internal */
  assertUsable(): void {
    if (this.#unusable !== undefined) throw new TransformerError('DEVICE_LOST', this.#unusable);
  }

  /**
   * Opens a new device in place of a lost one. Models loaded before keep refusing work, since their
   * weights are gone with the old device: load them again.
   */
  async restore(): Promise<void> {
    if (this.#options === undefined) {
      throw new TransformerError(
        'DEVICE_LOST',
        'An injected device cannot be restored here. Open a new one and pass it to Gpu.from.',
      );
    }
    const { device, found } = await openDevice(this.#options);
    this.#device = device;
    this.#info = describeDevice(device, found.route, this.#options, found.adapter);
    this.#pipelines = new PipelineCache(device);
    this.#unusable = undefined;
    this.#watch(device);
  }

  /** Closes the device, unless it was injected. Models on it stop working. */
  dispose(): void {
    this.#unusable = 'This Gpu was disposed. Request a new one.';
    if (this.#options !== undefined) this.#device.destroy();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #watch(device: GPUDevice): void {
    void device.lost.then(({ message, reason }) => {
      if (device !== this.#device || this.#unusable !== undefined) return;
      const why = message === '' ? reason : message;
      this.#unusable = `The GPU device was lost (${why}). Call gpu.restore(), then load again.`;
    });
  }
}

export class MemoryMeter {
  bytes = 0;
  buffers = 0;
  peakBytes = 0;

  add(bytes: number): void {
    this.bytes += bytes;
    this.buffers += 1;
    this.peakBytes = Math.max(this.peakBytes, this.bytes);
  }

  remove(bytes: number): void {
    this.bytes -= bytes;
    this.buffers -= 1;
  }
}

function checkGpuOptions({ tier, features }: GpuOptions): void {
  checkChoice('tier', tier, ['software', 'gpu']);
  if (features === undefined || (Array.isArray(features) && features.every(isText))) return;
  throw new TransformerError('OPTION_INVALID', 'features is no array of names of features.');
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function checkChoice(name: string, value: unknown, wanted: readonly string[]): void {
  if (value === undefined || (isText(value) && wanted.includes(value))) return;
  const got = isText(value) ? `"${value}"` : `a ${typeof value}`;
  throw new TransformerError('OPTION_INVALID', `${name} is ${got}; wanted ${wanted.join(' or ')}.`);
}

async function openDevice(
  options: GpuRequestOptions,
): Promise<{ device: GPUDevice; found: FoundAdapter }> {
  throwIfAborted(options.signal);
  const { powerPreference, adapter: name } = options;
  const found = await findAdapter({ adapter: name, ...(powerPreference && { powerPreference }) });
  throwIfAborted(options.signal);
  const { adapter } = found;
  const { limits } = adapter;
  const wanted = options.features ?? helpfulFeatures;
  const wantedDevice: GPUDeviceDescriptor = {
    requiredFeatures: helpfulFeatures.filter(
      (feature) => wanted.includes(feature) && adapter.features.has(feature),
    ),
    requiredLimits: {
      // Adapters of the compatibility level have lower defaults than WebGPU's own.
      maxComputeInvocationsPerWorkgroup: Math.min(256, limits.maxComputeInvocationsPerWorkgroup),
      maxComputeWorkgroupSizeX: Math.min(256, limits.maxComputeWorkgroupSizeX),
      ...(options.limits !== 'default' && {
        maxBufferSize: limits.maxBufferSize,
        maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
      }),
    },
  };
  const device = await adapter.requestDevice(wantedDevice).catch((cause: unknown) => {
    const why = messageOf(cause);
    throw new TransformerError(
      'DEVICE_REFUSED',
      `The adapter (${found.route}) gave no device: ${why} Close what else uses the GPU, update its ` +
        "driver, or ask for less: Gpu.request({ limits: 'default', features: [] }).",
      { cause },
    );
  });
  return { device, found };
}

function describeDevice(
  device: GPUDevice,
  route: string,
  { tier, features }: GpuOptions,
  adapter?: GPUAdapter,
): GpuInfo {
  // Older browsers have no device.adapterInfo; an injected device then counts as a GPU.
  const info = (device.adapterInfo as GPUAdapterInfo | undefined) ?? adapter?.info;
  const { vendor = '', architecture = '', isFallbackAdapter = false } = info ?? {};
  const description = [info?.device, info?.description].filter((part) => part).join(', ');
  const software =
    isFallbackAdapter || softwareNames.test(`${vendor} ${architecture} ${description}`);
  return {
    vendor,
    architecture,
    description,
    isFallbackAdapter: software,
    features: [...device.features].filter((name) => features?.includes(name) ?? true),
    subgroupSizes: [info?.subgroupMinSize ?? 0, info?.subgroupMaxSize ?? 0],
    tier: tier ?? (software ? 'software' : 'gpu'),
    route,
  };
}
