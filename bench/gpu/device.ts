// The device to measure on, as the library opens it, with timestamps of passes where it has them.

import { globals } from 'webgpu';
import { Gpu } from 'webgpu-transformer';

const QUERY_RESOLVE = 0x200;
const [COPY_SRC, COPY_DST, MAP_READ] = [0x4, 0x8, 0x1];

/** Times compute passes by the GPU's own clock. */
export class PassClock {
  readonly #device: GPUDevice;
  readonly #set: GPUQuerySet;
  readonly #resolved: GPUBuffer;
  readonly #read: GPUBuffer;

  /** Has every compute pass that is encoded from now on leave its times. */
  constructor(device: GPUDevice) {
    this.#device = device;
    const querySet = device.createQuerySet({ type: 'timestamp', count: 2 });
    this.#set = querySet;
    this.#resolved = device.createBuffer({ size: 16, usage: QUERY_RESOLVE | COPY_SRC });
    this.#read = device.createBuffer({ size: 16, usage: COPY_DST | MAP_READ });
    const create = device.createCommandEncoder.bind(device);
    device.createCommandEncoder = (descriptor) => {
      const encoder = create(descriptor);
      const begin = encoder.beginComputePass.bind(encoder);
      encoder.beginComputePass = (pass) =>
        begin({
          ...pass,
          timestampWrites: {
            querySet,
            beginningOfPassWriteIndex: 0,
            endOfPassWriteIndex: 1,
          },
        });
      return encoder;
    };
  }

  /** Milliseconds that the last pass took. */
  async last(): Promise<number> {
    const encoder = this.#device.createCommandEncoder();
    encoder.resolveQuerySet(this.#set, 0, 2, this.#resolved, 0);
    encoder.copyBufferToBuffer(this.#resolved, 0, this.#read, 0, 16);
    this.#device.queue.submit([encoder.finish()]);
    await this.#read.mapAsync(MAP_READ);
    const [begin = 0n, end = 0n] = new BigUint64Array(this.#read.getMappedRange());
    const milliseconds = Number(end - begin) / 1e6;
    this.#read.unmap();
    return milliseconds;
  }
}

export interface Bench {
  readonly gpu: Gpu;
  readonly clock: PassClock | undefined;
}

/** `timed`: with a clock. Without one the device is what any program gets of the library. */
export async function openBench(timed: boolean): Promise<Bench> {
  // What GPUs run, also where this is rehearsed on the CPU.
  const tier = 'gpu';
  if (!timed) return { gpu: await Gpu.request({ tier }), clock: undefined };
  const { prototype } = (globals as { GPUAdapter: { prototype: GPUAdapter } }).GPUAdapter;
  const request = Reflect.get(prototype, 'requestDevice');
  prototype.requestDevice = function (this: GPUAdapter, { requiredFeatures = [], ...rest } = {}) {
    const clock: GPUFeatureName[] = this.features.has('timestamp-query') ? ['timestamp-query'] : [];
    return request.call(this, { ...rest, requiredFeatures: [...requiredFeatures, ...clock] });
  };
  const gpu = await Gpu.request({ tier });
  prototype.requestDevice = request;
  const { device } = gpu;
  const clock = device.features.has('timestamp-query') ? new PassClock(device) : undefined;
  return { gpu, clock };
}
