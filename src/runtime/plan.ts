// A plan is a recording made ready to play: pipelines compiled, memory assigned, bind groups built.
// Playing encodes the list into one compute pass; nothing is allocated or compiled any more.

import { Binder, placeOf, type Places, type Step } from './bind.ts';
import type { Need } from './allocate.ts';
import type { Gpu } from './gpu.ts';
import { type Place, shareMemory } from './memory-plan.ts';
import { assertMade } from './scope.ts';
import { type Region, Staging, type Ticket, validationError } from './staging.ts';
import type { Dispatch, Recording } from './record.ts';
import { elements, type Tensor } from './tensor.ts';

/** A list bound to buffers. */
interface Bound {
  readonly binder: Binder;
  readonly steps: Step[];
  readonly places: Places & { readonly moved: Map<GPUBuffer, Tensor> };
}

/** What one play brings back, in the order of the plan's outputs. */
export type Outputs = readonly ArrayBuffer[];

/** Reads any tensor of a plan back. */
export type ReadTensor = (tensor: Tensor) => Promise<ArrayBuffer>;

export class Plan {
  readonly recording: Recording;
  readonly outputs: readonly Tensor[];
  readonly #gpu: Gpu;
  readonly #bound: Bound;
  readonly #staging: Staging;

  private constructor(recording: Recording, outputs: readonly Tensor[], bound: Bound) {
    this.recording = recording;
    this.outputs = outputs;
    this.#gpu = recording.gpu;
    this.#bound = bound;
    this.#staging = new Staging(recording.scope);
  }

  /**
   * Compiles what is missing, assigns memory, builds bind groups. `outputs` are read after a play; `need` words what
   * is said where the device has no room.
   */
  static async create(
    recording: Recording,
    outputs: readonly Tensor[],
    need?: Need,
  ): Promise<Plan> {
    const { gpu, scope, dispatches } = recording;
    const { pipelines } = gpu;
    const compiled = await scope.answer(
      Promise.all(dispatches.map(({ variant }) => pipelines.get(variant))),
    );
    scope.assertUsable();
    const { device } = gpu;
    device.pushErrorScope('validation');
    let invalid: Promise<GPUError | null>;
    let bound: Bound;
    try {
      const places = { given: shareMemory(recording, outputs), moved: new Map() };
      const binder = new Binder(recording, compiled);
      const steps = dispatches.map((_, index) => binder.step(index, places));
      bound = { binder, steps, places };
    } finally {
      invalid = device.popErrorScope();
      invalid.catch(() => {}); // told where it is waited for
    }
    await scope.ready(need);
    const error = await scope.answer(invalid);
    scope.assertUsable();
    if (error !== null) {
      await assertMade(buffersIn(dispatches));
      throw validationError(error);
    }
    return new Plan(recording, outputs, bound);
  }

  /**
   * Has the list go on with other tensors in place of some that it did not make: caches that have grown.
   * Only what binds these is bound anew; nothing is compiled. No play may be under way.
   */
  move(tensors: readonly (readonly [from: Tensor, to: Tensor])[]): void {
    const { binder, steps, places } = this.#bound;
    this.recording.scope.assertUsable();
    const now = new Set<GPUBuffer>();
    for (const [from, to] of tensors) {
      if (from.buffer === undefined || to.buffer === undefined) continue;
      // A list names a tensor by the buffer that it had when it was recorded.
      const [first = from.buffer] =
        [...places.moved].find(([, { buffer }]) => buffer === from.buffer) ?? [];
      places.moved.set(first, to);
      now.add(first);
    }
    steps.forEach(({ dispatch }, index) => {
      const binds = Object.values(dispatch.bindings).some(
        (tensor) => tensor?.buffer !== undefined && now.has(tensor.buffer),
      );
      if (binds) steps[index] = binder.step(index, places);
    });
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

  /**
   * Submits the whole list, several times over where `times` says so. Resolves with the outputs as the last
   * time leaves them, once the GPU has written them.
   */
  async play(times = 1): Promise<Outputs> {
    this.recording.scope.assertUsable();
    const { device } = this.#gpu;
    device.pushErrorScope('validation');
    let encoder = device.createCommandEncoder({ label: 'plan' });
    const pass = encoder.beginComputePass({ label: 'plan' });
    for (let time = 0; time < times; time++) {
      for (const { pipeline, group, x, y } of this.#bound.steps) {
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, group);
        pass.dispatchWorkgroups(x, y);
      }
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
    for (const step of this.#bound.steps) {
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
    for (const step of this.#bound.steps) {
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
    const place = placeOf(tensor, this.#bound.places);
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
