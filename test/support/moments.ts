// The moments at which a call waits for the platform: every answer of a device or a source is one, so
// that something can be made to happen at each of them.

import type { Source } from 'webgpu-transformer';

export interface Moments {
  /** How many there were. */
  count: number;
  /** Called just before the answer with this number arrives. */
  at: (number: number) => void;
}

type Method = (...args: never[]) => Promise<unknown>;

/** Has an asynchronous method of an object tell of each of its answers. */
function tell(object: object, name: string, moments: Moments): void {
  const method = (Reflect.get(object, name) as Method).bind(object);
  Object.defineProperty(object, name, {
    configurable: true,
    writable: true,
    value: async (...args: never[]) => {
      try {
        return await method(...args);
      } finally {
        moments.at(moments.count++);
      }
    },
  });
}

/** Watches what a device is waited for: compiled pipelines, error scopes, mapped buffers, work done. */
export function momentsOf(device: GPUDevice): Moments {
  const moments: Moments = { count: 0, at: () => {} };
  tell(device, 'createComputePipelineAsync', moments);
  tell(device, 'popErrorScope', moments);
  tell(device.queue, 'onSubmittedWorkDone', moments);
  const create = device.createBuffer.bind(device);
  device.createBuffer = (descriptor) => {
    const buffer = create(descriptor);
    if ((descriptor.usage & 1) !== 0) tell(buffer, 'mapAsync', moments);
    return buffer;
  };
  return moments;
}

/** The same source, whose answers are moments, too. */
export function watched(source: Source, moments: Moments): Source {
  return {
    ...source,
    read: async (...args) => {
      try {
        return await source.read(...args);
      } finally {
        moments.at(moments.count++);
      }
    },
  };
}
