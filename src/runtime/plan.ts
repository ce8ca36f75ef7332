// A plan is a recording made ready to play: pipelines compiled, memory assigned, bind groups built.
// Playing encodes the list into one compute pass; nothing is allocated or compiled any more.

import { COPY_DST, STORAGE, UNIFORM } from './constants.ts';
import type { Gpu } from './gpu.ts';
import { type Place, shareMemory } from './memory-plan.ts';
import type { Pipeline } from './pipelines.ts';
import { assertMade } from './scope.ts';
import { type Region, Staging, type Ticket, validationError } from './staging.ts';
import type { Dispatch, Recording } from './record.ts';
import { elements, type Tensor } from './tensor.ts';

const workgroupsPerRow = 65535;

interface Step {
  readonly dispatch: Dispatch;
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
  readonly x: number;
  readonly y: number;
}

/** What one play brings back, in the order of the plan's outputs. */
export type Outputs = readonly ArrayBuffer[];

/** Reads any tensor of a plan back. */
export type ReadTensor = (tensor: Tensor) => Promise<ArrayBuffer>;

export class Plan {
  readonly recording: Recording;
  readonly outputs: readonly Tensor[];
  readonly #gpu: Gpu;
  readonly #steps: readonly Step[];
  readonly #places: ReadonlyMap<Tensor, Place>;
  readonly #staging: Staging;

  private constructor(
    recording: Recording,
    outputs: readonly Tensor[],
    steps: readonly Step[],
    places: ReadonlyMap<Tensor, Place>,
  ) {
    this.recording = recording;
    this.outputs = outputs;
    this.#gpu = recording.gpu;
    this.#steps = steps;
    this.#places = places;
    this.#staging = new Staging(recording.scope);
  }

  /** Compiles what is missing, assigns memory, builds bind groups. `outputs` are read after a play. */
  static async create(recording: Recording, outputs: readonly Tensor[]): Promise<Plan> {
    const { gpu, scope, dispatches } = recording;
    const { pipelines } = gpu;
    const compiled = await scope.answer(
      Promise.all(dispatches.map(({ variant }) => pipelines.get(variant))),
    );
    scope.assertUsable();
    const { device } = gpu;
    device.pushErrorScope('validation');
    let invalid: Promise<GPUError | null>;
    let places: ReadonlyMap<Tensor, Place>;
    let steps: Step[];
    try {
      places = shareMemory(recording, outputs);
      steps = bind(recording, compiled, places);
    } finally {
      invalid = device.popErrorScope();
      invalid.catch(() => {}); // told where it is waited for
    }
    await scope.ready();
    const error = await scope.answer(invalid);
    scope.assertUsable();
    if (error !== null) {
      await assertMade(buffersIn(dispatches));
      throw validationError(error);
    }
    return new Plan(recording, outputs, steps, places);
  }

  /** Writes a persistent tensor before the next play. */
  write(tensor: Tensor, data: Uint32Array<ArrayBuffer> | Float32Array<ArrayBuffer>): void {
    const { buffer, offset } = this.#placeOf(tensor);
    if (data.length !== elements(tensor.shape)) {
      throw new RangeError(
        `${tensor.describe()} takes ${elements(tensor.shape)}, got ${data.length}`,
      );
    }
    this.recording.scope.assertUsable();
    this.#gpu.device.queue.writeBuffer(buffer, offset, data);
  }

  /** Submits the whole list. Resolves with the outputs, once the GPU has written them. */
  async play(): Promise<Outputs> {
    this.recording.scope.assertUsable();
    const { device } = this.#gpu;
    device.pushErrorScope('validation');
    let encoder = device.createCommandEncoder({ label: 'plan' });
    const pass = encoder.beginComputePass({ label: 'plan' });
    for (const { pipeline, group, x, y } of this.#steps) {
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(x, y);
    }
    pass.end();
    const regions = this.outputs.map(this.#regionsOf);
    let ticket: Ticket;
    if (this.#staging.has(regions)) ticket = this.#staging.copy(encoder, regions);
    else {
      // A buffer that the device has no room for spoils what is submitted with it, not the list itself:
      // other lists may have been submitted that go on with its results.
      const copies = device.createCommandEncoder({ label: 'plan, results' });
      ticket = this.#staging.copy(copies, regions);
      device.queue.submit([encoder.finish()]);
      encoder = copies;
    }
    device.queue.submit([encoder.finish()]);
    const invalid = device.popErrorScope();
    invalid.catch(() => {}); // told where it is waited for
    const outputs = await this.#staging.read(ticket);
    const error = await this.recording.scope.answer(invalid);
    if (error !== null) throw validationError(error);
    return outputs;
  }

  /** Plays one dispatch after the other, waiting for each: milliseconds of wall clock per dispatch. */
  async profile(): Promise<{ dispatch: Dispatch; milliseconds: number }[]> {
    const times = [];
    for (const step of this.#steps) {
      const start = performance.now();
      await this.#playStep(step);
      times.push({ dispatch: step.dispatch, milliseconds: performance.now() - start });
    }
    return times;
  }

  /**
   * Plays one dispatch after the other. `visit` sees each one before it runs and may read any
   * tensor; what it returns is called once the dispatch has run. Finds where a result goes wrong.
   */
  async trace(
    visit: (dispatch: Dispatch, read: ReadTensor) => Promise<() => Promise<void>>,
  ): Promise<void> {
    for (const step of this.#steps) {
      const after = await visit(step.dispatch, (tensor) => this.#readTensor(tensor));
      await this.#playStep(step);
      await after();
    }
  }

  dispose(): void {
    this.recording.dispose();
  }

  readonly #regionsOf = (tensor: Tensor): Region[] =>
    (tensor.parts ?? [tensor]).map((part) => ({ ...this.#placeOf(part), size: part.byteLength }));

  #placeOf(tensor: Tensor): Place {
    const place = placeOf(tensor, this.#places);
    if (place === undefined) throw new RangeError(`${tensor.label} is not part of this plan`);
    return place;
  }

  async #readTensor(tensor: Tensor): Promise<ArrayBuffer> {
    this.recording.scope.assertUsable();
    const [bytes] = await this.#staging.fetch([this.#regionsOf(tensor)]);
    return bytes ?? new ArrayBuffer(0);
  }

  async #playStep({ pipeline, group, x, y }: Step): Promise<void> {
    const { scope } = this.recording;
    scope.assertUsable();
    const { device } = this.#gpu;
    device.pushErrorScope('validation');
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(x, y);
    pass.end();
    device.queue.submit([encoder.finish()]);
    const invalid = device.popErrorScope();
    invalid.catch(() => {}); // told where it is waited for
    await scope.answer(device.queue.onSubmittedWorkDone());
    const error = await scope.answer(invalid);
    if (error !== null) throw validationError(error);
  }
}

/** The buffers that tensors of a list have, whoever made them. */
function buffersIn(dispatches: readonly Dispatch[]): GPUBuffer[] {
  const tensors = dispatches.flatMap(({ bindings }) => Object.values(bindings));
  return tensors.flatMap((tensor) => tensor?.buffer ?? []);
}

/** A tensor's own place, or the one that the plan has given it. */
function placeOf(tensor: Tensor, places: ReadonlyMap<Tensor, Place>): Place | undefined {
  const { buffer, offset, of } = tensor;
  if (buffer !== undefined) return { buffer, offset };
  const place = places.get(of ?? tensor);
  return place && of ? { buffer: place.buffer, offset: place.offset + offset } : place;
}

/** Bind groups for every dispatch; all params stand in one uniform buffer, written once. */
function bind(
  { gpu, scope, dispatches }: Recording,
  pipelines: readonly Pipeline[],
  places: ReadonlyMap<Tensor, Place>,
): Step[] {
  const { device } = gpu;
  const slot = Math.max(256, device.limits.minUniformBufferOffsetAlignment);
  const params = new DataView(new ArrayBuffer(slot * Math.max(1, dispatches.length)));
  const paramsBuffer = scope.buffer('params', params.byteLength, UNIFORM | COPY_DST);
  // Absent tensors: WebGPU refuses one buffer that a dispatch may both read and write.
  const placeholders = {
    read: scope.buffer('placeholder', 16, STORAGE),
    write: scope.buffer('placeholder', 16, STORAGE),
  };
  const steps = dispatches.map((dispatch, index) => {
    const { kernel, bindings, workgroups } = dispatch;
    const compiled = pipelines[index];
    if (compiled === undefined) throw new RangeError(`no pipeline for ${kernel.name}`);
    const size = packParams(dispatch, params, index * slot);
    const entries: GPUBindGroupEntry[] = [
      { binding: 0, resource: { buffer: paramsBuffer, offset: index * slot, size } },
    ];
    for (const [name, access] of Object.entries(kernel.bindings)) {
      const tensor = bindings[name];
      const place = tensor && placeOf(tensor, places);
      entries.push({
        binding: entries.length,
        resource:
          tensor === undefined || place === undefined
            ? { buffer: placeholders[access] }
            : { ...place, size: tensor.byteLength },
      });
    }
    const group = device.createBindGroup({ label: kernel.name, layout: compiled.layout, entries });
    // Counts above the limit of one axis go on in the second; kernels undo it (workgroup.wgsl).
    const y = Math.ceil(workgroups / workgroupsPerRow);
    const x = y === 1 ? workgroups : workgroupsPerRow;
    return { dispatch, pipeline: compiled.pipeline, group, x, y };
  });
  device.queue.writeBuffer(paramsBuffer, 0, params.buffer);
  return steps;
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
