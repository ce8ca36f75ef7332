// A device with what belongs to it: tier, pipelines, memory count. Everything else hangs on a Gpu;
// there is no state outside it, so several devices can be used side by side.

import type { AdapterName } from './adapter.ts';
import { describeDevice, openDevice } from './device.ts';
import { fieldOf, hasMethod, refuseUnknown, throwIfAborted, TransformerError } from './errors.ts';
import { isListOf } from './lists.ts';
import { askForTexts } from './late-texts.ts';
import type { Matrices } from './matrices.ts';
import { type GpuMemory, MemoryMeter } from './memory-meter.ts';
import { messageOf } from './print.ts';
import { PipelineCache } from './pipelines.ts';
import type { Device } from './platform-types.ts';

/** `software`: CPU adapters such as SwiftShader and llvmpipe. `gpu`: everything else. */
export type Tier = 'software' | 'gpu';

/** What is used of a device. */
export interface GpuOptions {
  /** Kernels to use; chosen by the adapter when absent. */
  tier?: Tier;
  /**
   * Which optional features to use, of those the device has: `subgroups` when absent. The experimental
   * `chromium-experimental-subgroup-matrix` puts products with weights of f16 on matrix units.
   */
  features?: readonly string[];
}

/** Which device is opened, and how. */
export interface GpuRequestOptions extends GpuOptions {
  /**
   * In Node, the adapter to use in place of the first that the search finds. The variable
   * WEBGPU_TRANSFORMER_ADAPTER names it for the whole process.
   */
  adapter?: AdapterName;
  /** Which GPU of several: the thrifty one or the fast one. As WebGPU has it, a hint. */
  powerPreference?: 'low-power' | 'high-performance';
  /**
   * Whether a lost device is opened again by itself, a few times at most: calls under way reject with
   * DEVICE_LOST, the next ones wait, and models load again from their sources. The events `lost`,
   * `restored` and `failed` of the Gpu tell of it. Off by default.
   */
  recover?: boolean;
  /** `default` asks for WebGPU's default limits only; `adapter` (default) for larger buffers too. */
  limits?: 'default' | 'adapter';
  /** Cancels the call, which then rejects with `ABORTED`. */
  signal?: AbortSignal;
}

/** What is known of a device. */
export interface GpuInfo {
  /** Such as `nvidia`; empty where the browser does not tell. */
  readonly vendor: string;
  /** Such as `ampere`; empty where the browser does not tell. */
  readonly architecture: string;
  /** In words; empty where the browser does not tell. */
  readonly description: string;
  /** Whether it computes on the CPU. */
  readonly isFallbackAdapter: boolean;
  /** The optional features that are used, by their names in WebGPU. */
  readonly features: readonly string[];
  /** Smallest and largest subgroup, 0 when unknown. */
  readonly subgroupSizes: readonly [number, number];
  /** The product that matrix units take at once; absent where none are used. */
  readonly matrices?: Matrices;
  /** The kernels that are used. */
  readonly tier: Tier;
  /** How the adapter was found, e.g. "navigator.gpu". */
  readonly route: string;
}

/** Milliseconds before each try to open a lost device again. */
const pauses = [0, 250, 1000, 4000];
/** So many losses in so many milliseconds are no accident: the device is given up. */
const lossesAtMost = 4;
const lossSpan = 60_000;

/** Events, of Gpus that recover: `lost`, `restored`, and `failed` when the device is given up. */
export class Gpu extends EventTarget {
  /** Count of buffers, kept by scopes. @internal */
  readonly meter: MemoryMeter = new MemoryMeter();
  #device: GPUDevice;
  #info: GpuInfo;
  #pipelines: PipelineCache;
  #unusable: string | undefined;
  readonly #options: GpuRequestOptions | undefined;
  #recovering: Promise<void> | undefined;
  #losses: number[] = [];
  #disposed = false;

  private constructor(device: GPUDevice, info: GpuInfo, options?: GpuRequestOptions) {
    super();
    this.#device = device;
    this.#info = info;
    this.#pipelines = new PipelineCache(device);
    this.#options = options;
    askForTexts(info.tier);
    this.#watch(device);
  }

  /**
   * Finds an adapter and opens a device on it. In browsers the adapter is `navigator.gpu`'s; in
   * Node the package `webgpu` (Dawn) is asked for a real GPU, then for drivers on the CPU.
   * @throws TransformerError ADAPTER_NOT_FOUND, with what to install; DEVICE_REFUSED
   */
  static async request(options: GpuRequestOptions = {}): Promise<Gpu> {
    const known = ['adapter', 'tier', 'features', 'powerPreference', 'limits', 'recover', 'signal'];
    refuseUnknown(options, known, 'option of Gpu.request');
    checkGpuOptions(options);
    const { powerPreference, limits, recover, signal } = options;
    checkChoice('powerPreference', powerPreference, ['low-power', 'high-performance']);
    checkChoice('limits', limits, ['default', 'adapter']);
    if (recover !== undefined && typeof recover !== 'boolean') {
      throw new TransformerError('OPTION_INVALID', 'recover is no boolean. Pass true or false.');
    }
    throwIfAborted(signal);
    const { device, found } = await openDevice(options);
    return new Gpu(device, describeDevice(device, found.route, options, found.adapter), options);
  }

  /** Uses a device that you own: it is never destroyed by this library. */
  static from(device: Device, options: GpuOptions = {}): Gpu {
    refuseUnknown(options, ['tier', 'features'], 'option of Gpu.from');
    checkGpuOptions(options);
    if (!isDevice(device)) {
      throw new TransformerError(
        'INPUT_INVALID',
        'Gpu.from wants a GPUDevice. Pass what adapter.requestDevice() gave; or use Gpu.request().',
      );
    }
    return new Gpu(device, describeDevice(device, 'an injected device', options));
  }

  /** The device, its driver and what is used of it. */
  get info(): GpuInfo {
    return this.#info;
  }

  /** The kernels that are used. */
  get tier(): Tier {
    return this.#info.tier;
  }

  /** What is held on the device now. */
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

  /** Whether kernels may use subgroup operations; subgroups may be of any size. @internal */
  get hasSubgroups(): boolean {
    return this.#info.features.includes('subgroups');
  }

  /** Whether kernels may count on subgroups of exactly four invocations, as on SwiftShader. @internal */
  get hasQuadSubgroups(): boolean {
    const { subgroupSizes } = this.#info;
    return this.hasSubgroups && subgroupSizes[0] === 4 && subgroupSizes[1] === 4;
  }

  /** Throws DEVICE_LOST when the device can no longer work. @internal */
  assertUsable(): void {
    if (this.#unusable !== undefined) throw new TransformerError('DEVICE_LOST', this.#unusable);
  }

  /** Whether a lost device is opened again by itself. */
  get recovers(): boolean {
    return this.#options?.recover === true;
  }

  /** Waits while a lost device is opened again. @throws TransformerError DEVICE_LOST @internal */
  async recovered(): Promise<void> {
    while (this.#recovering !== undefined) await this.#recovering;
    this.assertUsable();
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
    if (this.#disposed) {
      device.destroy();
      throw new TransformerError('DEVICE_LOST', disposedText);
    }
    this.#device = device;
    this.#info = describeDevice(device, found.route, this.#options, found.adapter);
    this.#pipelines = new PipelineCache(device);
    this.#unusable = undefined;
    this.#watch(device);
  }

  /** Closes the device, unless it was injected. Models on it stop working. */
  dispose(): void {
    this.#disposed = true;
    this.#unusable = disposedText;
    if (this.#options !== undefined) this.#device.destroy();
  }

  /** The same, at the end of a block: `using gpu = await Gpu.request()`. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  #watch(device: GPUDevice): void {
    void device.lost.then(({ message, reason }) => {
      if (device !== this.#device || this.#unusable !== undefined) return;
      const why = message === '' ? reason : message;
      if (!this.recovers) {
        this.#unusable = `The GPU device was lost (${why}). Call gpu.restore(), then load again.`;
        return;
      }
      this.#unusable = `The GPU device was lost (${why}). It is being opened again: call again.`;
      this.#recovering = this.#recover(why).finally(() => (this.#recovering = undefined));
    });
  }

  /** Tries to open the device again, a few times. Never rejects. */
  async #recover(why: string): Promise<void> {
    const now = performance.now();
    this.#losses = [...this.#losses.filter((time) => now - time < lossSpan), now];
    this.dispatchEvent(new CustomEvent('lost', { detail: { message: why } }));
    let reason = `It was lost ${this.#losses.length} times within a minute.`;
    for (const pause of this.#losses.length > lossesAtMost ? [] : pauses) {
      await new Promise((resolve) => void setTimeout(resolve, pause));
      if (this.#disposed) return;
      try {
        await this.restore();
        this.dispatchEvent(new CustomEvent('restored'));
        return;
      } catch (error) {
        reason = messageOf(error);
      }
    }
    if (this.#disposed) return;
    this.#unusable = `The GPU device was lost (${why}) and is not opened again. ${reason} Try gpu.restore() later.`;
    this.dispatchEvent(new CustomEvent('failed', { detail: { message: this.#unusable } }));
  }
}

const disposedText = 'This Gpu was disposed. Request a new one.';

function checkGpuOptions({ tier, features }: GpuOptions): void {
  checkChoice('tier', tier, ['software', 'gpu']);
  if (features === undefined || isListOf(features, isText)) return;
  throw new TransformerError('OPTION_INVALID', 'features is no array of names of features.');
}

/** Whether this is a GPUDevice of any implementation. */
function isDevice(value: unknown): boolean {
  const hasParts =
    hasMethod(fieldOf(value, 'lost'), 'then') && hasMethod(fieldOf(value, 'features'), 'has');
  return hasParts && hasMethod(value, 'createBuffer');
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function checkChoice(name: string, value: unknown, wanted: readonly string[]): void {
  if (value === undefined || (isText(value) && wanted.includes(value))) return;
  const got = isText(value) ? `"${value}"` : `a ${typeof value}`;
  throw new TransformerError('OPTION_INVALID', `${name} is ${got}; wanted ${wanted.join(' or ')}.`);
}
