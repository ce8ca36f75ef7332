// Bind groups of a recorded list: which buffers its dispatches see, and their params.

import { COPY_DST, STORAGE, UNIFORM } from './constants.ts';
import type { Place } from './memory-plan.ts';
import type { Pipeline } from './pipelines.ts';
import type { Dispatch, Recording } from './record.ts';
import type { Tensor } from './tensor.ts';

const workgroupsPerRow = 65535;

/** A dispatch as it is encoded. */
export interface Step {
  readonly dispatch: Dispatch;
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
  readonly x: number;
  readonly y: number;
}

/** Where tensors lie: those that a plan has given a place, and those in whose buffers others lie now. */
export interface Places {
  readonly given: ReadonlyMap<Tensor, Place>;
  readonly moved: ReadonlyMap<GPUBuffer, Tensor>;
}

/** A tensor's own place, or the one that the plan has given it. */
export function placeOf(tensor: Tensor, { given, moved }: Places): Place | undefined {
  const { buffer, offset, of } = tensor;
  if (buffer !== undefined) {
    const now = moved.get(buffer);
    return now?.buffer === undefined
      ? { buffer, offset }
      : { buffer: now.buffer, offset: now.offset };
  }
  const place = given.get(of ?? tensor);
  return place && of ? { buffer: place.buffer, offset: place.offset + offset } : place;
}

/** For sixteen bindings of a dispatch: storage buffers begin at multiples of 256 on every device. */
const placeholderSize = 16 * 256;

/**
 * Makes the bind groups of a list; all params stand in one uniform buffer, written once. Immediates would be
 * set anew in every play: half as much time again to encode a list.
 */
export class Binder {
  readonly #recording: Recording;
  readonly #pipelines: readonly Pipeline[];
  readonly #slot: number;
  readonly #params: GPUBuffer;
  /** Sizes of the params of each dispatch. */
  readonly #sizes: readonly number[];
  /** Absent tensors: WebGPU refuses a buffer that a dispatch may both read and write, and a part written twice. */
  readonly #placeholders: { readonly read: GPUBuffer; readonly write: GPUBuffer };

  constructor(recording: Recording, pipelines: readonly Pipeline[]) {
    const { gpu, scope, dispatches } = recording;
    const { device } = gpu;
    this.#recording = recording;
    this.#pipelines = pipelines;
    this.#slot = Math.max(256, device.limits.minUniformBufferOffsetAlignment);
    const params = new DataView(new ArrayBuffer(this.#slot * Math.max(1, dispatches.length)));
    this.#params = scope.buffer('params', params.byteLength, UNIFORM | COPY_DST);
    this.#placeholders = {
      read: scope.buffer('placeholder', placeholderSize, STORAGE),
      write: scope.buffer('placeholder', placeholderSize, STORAGE),
    };
    this.#sizes = dispatches.map((dispatch, i) => packParams(dispatch, params, i * this.#slot));
    device.queue.writeBuffer(this.#params, 0, params.buffer);
  }

  /** A dispatch by its number, with its tensors where they lie. */
  step(index: number, places: Places): Step {
    const dispatch = this.#recording.dispatches[index];
    const compiled = this.#pipelines[index];
    if (dispatch === undefined || compiled === undefined) throw new RangeError(`no step ${index}`);
    const { kernel, bindings, workgroups } = dispatch;
    const entries: GPUBindGroupEntry[] = [
      {
        binding: 0,
        resource: {
          buffer: this.#params,
          offset: index * this.#slot,
          size: this.#sizes[index] ?? 16,
        },
      },
    ];
    for (const [name, access] of Object.entries(kernel.bindings)) {
      const tensor = bindings[name];
      const place = tensor && placeOf(tensor, places);
      const now = tensor?.buffer && places.moved.get(tensor.buffer);
      entries.push({
        binding: entries.length,
        resource:
          tensor === undefined || place === undefined
            ? { buffer: this.#placeholders[access], offset: 256 * entries.length, size: 16 }
            : { ...place, size: (now ?? tensor).byteLength },
      });
    }
    const { device } = this.#recording.gpu;
    const group = device.createBindGroup({ label: kernel.name, layout: compiled.layout, entries });
    // Counts above the limit of one axis go on in the second; kernels undo it (workgroup.wgsl).
    const y = Math.ceil(workgroups / workgroupsPerRow);
    const x = y === 1 ? workgroups : workgroupsPerRow;
    return { dispatch, pipeline: compiled.pipeline, group, x, y };
  }
}

/** Writes the scalars in declared order, 4 bytes each; returns the struct's size, 16-byte rounded. */
function packParams({ kernel, params }: Dispatch, view: DataView, offset: number): number {
  let at = offset;
  for (const [name, type] of Object.entries(kernel.params)) {
    const value = params[name];
    if (value === undefined) throw new RangeError(`${kernel.name}: params.${name} is not set`);
    if (type === 'u32') view.setUint32(at, value, true);
    else view.setFloat32(at, value, true);
    at += 4;
  }
  return Math.max(16, Math.ceil((at - offset) / 16) * 16);
}
