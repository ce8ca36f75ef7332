// Opens each library on an adapter of its own, all of one kind, and counts the memory it takes there.

import { createRequire } from 'node:module';
import { globals } from 'webgpu';
import { requestAdapter, requestDevice, type Software } from '../adapters.ts';
import { type Jax, jaxJs } from './jax.ts';
import { ours } from './ours.ts';
import type { Library } from './side.ts';
import { type TensorFlow, tensorFlow } from './tensorflow.ts';

/** Bytes of the GPU buffers of one device, and the most there ever were. */
export class Meter {
  bytes = 0;
  peakBytes = 0;

  /** Counts the buffers that a device makes from now on. */
  watch(device: GPUDevice): void {
    const createBuffer = device.createBuffer.bind(device);
    device.createBuffer = (descriptor) => {
      const buffer = createBuffer(descriptor);
      const destroy = buffer.destroy.bind(buffer);
      let held = descriptor.size;
      this.bytes += held;
      this.peakBytes = Math.max(this.peakBytes, this.bytes);
      buffer.destroy = () => {
        this.bytes -= held;
        held = 0;
        destroy();
      };
      return buffer;
    };
  }
}

export interface Opened {
  readonly library: Library;
  readonly meter: Meter;
}

export interface NotOpened {
  readonly name: string;
  readonly error: string;
}

/** This library first. `root` is the folder of the repository, whose bench/ holds the others. */
export async function openLibraries(
  software: Software | undefined,
  root: string,
): Promise<{ opened: Opened[]; failed: NotOpened[] }> {
  const require = createRequire(`${root}/bench/package.json`);
  const { version } = require('../package.json') as { version: string };
  const { devDependencies: versions } = require('./package.json') as {
    devDependencies: Record<string, string>;
  };
  const openers: Record<string, () => Promise<Library>> = {
    ours: async () => ours(await navigator.gpu.requestAdapter().then(deviceOf), version),
    'TensorFlow.js': () => {
      const tf = require('@tensorflow/tfjs') as TensorFlow;
      require('@tensorflow/tfjs-backend-webgpu');
      return tensorFlow(tf);
    },
    'jax-js': () => {
      // It calls iterator methods, which Node has had since version 22.
      require('core-js/actual/iterator');
      return jaxJs(require('@jax-js/jax') as Jax, versions['@jax-js/jax'] ?? '');
    },
  };
  const opened: Opened[] = [];
  const failed: NotOpened[] = [];
  for (const [name, open] of Object.entries(openers)) {
    const meter = new Meter();
    offerAdapter(software, meter);
    try {
      opened.push({ library: await open(), meter });
    } catch (error) {
      failed.push({ name, error: messageOf(error) });
    }
  }
  return { opened, failed };
}

/** Makes Node look like a browser whose navigator.gpu knows this adapter only. */
function offerAdapter(software: Software | undefined, meter: Meter): void {
  const gpu = {
    requestAdapter: async (): Promise<GPUAdapter> => {
      const adapter = await requestAdapter(software);
      const open = adapter.requestDevice.bind(adapter);
      adapter.requestDevice = async (descriptor) => {
        const device = await open(descriptor);
        meter.watch(device);
        return device;
      };
      return adapter;
    },
    getPreferredCanvasFormat: () => 'bgra8unorm',
  };
  Object.assign(globalThis, globals);
  Object.defineProperty(globalThis, 'navigator', {
    value: { gpu, userAgent: 'Node', platform: process.platform },
    configurable: true,
  });
}

function deviceOf(adapter: GPUAdapter | null): Promise<GPUDevice> {
  if (adapter === null) throw new Error('There is no adapter.');
  return requestDevice(adapter);
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
}
