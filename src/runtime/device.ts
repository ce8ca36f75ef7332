// Opens a device on the adapter that is found, and says what it is.

import { type FoundAdapter, findAdapter } from './adapter.ts';
import { throwIfAborted, TransformerError } from './errors.ts';
import type { GpuInfo, GpuOptions, GpuRequestOptions } from './gpu.ts';
import { matricesOf, matrixFeature, withNeeded } from './matrices.ts';
import { askForTexts } from './late-texts.ts';
import { messageOf } from './print.ts';

const helpfulFeatures = ['subgroups'];
/** What kernels have a use for: the others are asked for only where they are named. */
const usefulFeatures = [...helpfulFeatures, 'shader-f16', matrixFeature];
const softwareNames = /swiftshader|llvmpipe|lavapipe|softpipe|microsoft basic render/i;

export async function openDevice(
  options: GpuRequestOptions,
): Promise<{ device: GPUDevice; found: FoundAdapter }> {
  throwIfAborted(options.signal);
  const { powerPreference, adapter: name } = options;
  const wanted = withNeeded(options.features ?? helpfulFeatures);
  const found = await findAdapter({
    adapter: name,
    experimental: wanted.includes(matrixFeature),
    ...(powerPreference && { powerPreference }),
  });
  throwIfAborted(options.signal);
  const { adapter } = found;
  // While the device is opened.
  askForTexts(options.tier ?? (isSoftware(adapter.info) ? 'software' : 'gpu'));
  const { limits } = adapter;
  const wantedDevice: GPUDeviceDescriptor = {
    requiredFeatures: usefulFeatures.filter(
      (feature) => wanted.includes(feature) && adapter.features.has(feature),
    ) as GPUFeatureName[],
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

function descriptionOf(info: GPUAdapterInfo | undefined): string {
  return [info?.device, info?.description].filter((part) => part).join(', ');
}

function isSoftware(info: GPUAdapterInfo | undefined): boolean {
  const { vendor = '', architecture = '', isFallbackAdapter = false } = info ?? {};
  const names = `${vendor} ${architecture} ${descriptionOf(info)}`;
  return isFallbackAdapter || softwareNames.test(names);
}

export function describeDevice(
  device: GPUDevice,
  route: string,
  { tier, features }: GpuOptions,
  adapter?: GPUAdapter,
): GpuInfo {
  // Older browsers have no device.adapterInfo; an injected device then counts as a GPU.
  const info = (device.adapterInfo as GPUAdapterInfo | undefined) ?? adapter?.info;
  const { vendor = '', architecture = '' } = info ?? {};
  const description = descriptionOf(info);
  const software = isSoftware(info);
  const used = features && withNeeded(features);
  const inUse = [...device.features].filter((name) => used?.includes(name) ?? true);
  // Dawn lists the matrices with the adapter, not with the device.
  const matrices = matricesOf(inUse, adapter?.info ?? info);
  return {
    vendor,
    architecture,
    description,
    isFallbackAdapter: software,
    features: inUse,
    subgroupSizes: [info?.subgroupMinSize ?? 0, info?.subgroupMaxSize ?? 0],
    ...(matrices && { matrices }),
    tier: tier ?? (software ? 'software' : 'gpu'),
    route,
  };
}
