// The recorded list: what a model computes, as plain data. Nothing touches the GPU here.
//
// The list is the command list (plan.ts plays it) and the memory plan (first and last use of each
// tensor are known). Each computed tensor is written by exactly one dispatch, so the list can also
// be walked backwards. What changes between plays lives in buffers, never in the list.

import { TransformerError } from './errors.ts';
import type { Gpu } from './gpu.ts';
import type { TapeEntry } from './gradient.ts';
import type { HeadColumns, Points } from './points.ts';
import { formatsOf, type Constants, type Kernel, type Variant, variantOf } from './kernel.ts';
import { limitError } from './limits.ts';
import { mapParts } from './parts.ts';
import { Scope } from './scope.ts';
import type { Dtype } from './dtype.ts';
import { elements, Tensor } from './tensor.ts';

export type Bindings = Readonly<Record<string, Tensor | undefined>>;

/** One kernel call: which tensors it reads and writes, with which scalars. */
export interface Dispatch {
  readonly kernel: Kernel;
  readonly variant: Variant;
  /** Absent tensors are bound to a placeholder; the kernel's switches keep it from reading them. */
  readonly bindings: Bindings;
  readonly params: Readonly<Record<string, number>>;
  readonly constants: Constants;
  /** Number of workgroups; kernels take a linear index, so this is one number. */
  readonly workgroups: number;
}

export type DispatchRequest = Omit<Dispatch, 'variant' | 'constants'> & {
  readonly constants?: Constants;
  /** Bindings of which this dispatch writes one part, and other dispatches the rest. */
  readonly parts?: readonly string[];
};

export interface RecordingOptions {
  /** Whether operations are put on the tape, so that gradients can be taken. */
  readonly training?: boolean;
  /** Seed and step, u32 [2], of what is drawn at random; without it nothing is, and dropout is off. */
  readonly random?: Tensor;
  /** What happens at named points; nothing by default. */
  readonly points?: Points;
  /** Whether gradients compute stretches of the list once more, see `recomputed`; off by default. */
  readonly recompute?: boolean;
}

/** A stretch of the list and of its tape: from the first number to before the second. */
export interface Stretch {
  readonly dispatches: readonly [number, number];
  readonly tape: readonly [number, number];
}

export class Recording {
  readonly gpu: Gpu;
  readonly dispatches: Dispatch[] = [];
  /** Buffers that live as long as the list: inputs, caches, step state, kept outputs. */
  readonly scope: Scope;
  /** Computed tensors with buffers of their own, see `keep`. */
  readonly kept: Map<Tensor, Tensor> = new Map();
  /** The operations in order, for gradients; empty unless training. */
  readonly tape: TapeEntry[] = [];
  /** What gradients compute once more, in order, see recompute.ts. */
  readonly stretches: Stretch[] = [];
  #training: boolean;
  #random: Tensor | undefined;
  #sites = 0;
  #recomputes: boolean;
  #points: Points | undefined;
  /** The names that the next point's path begins with. */
  readonly #path: string[] = [];
  readonly #writers = new Map<Tensor, Dispatch>();

  /** `owner`: the device, or a scope that the list ends with. */
  constructor(
    owner: Gpu | Scope,
    { training = false, random, points, recompute = false }: RecordingOptions = {},
  ) {
    this.scope = new Scope(owner);
    this.gpu = this.scope.gpu;
    this.#training = training;
    this.#points = points;
    this.#recomputes = recompute;
    if (random !== undefined && (random.dtype !== 'u32' || elements(random.shape) !== 2)) {
      throw new RangeError(`random is seed and step, u32(2), not ${random.describe()}`);
    }
    this.#random = random && this.use(random);
  }

  /** Whether operations are put on the tape. */
  get training(): boolean {
    return this.#training;
  }

  /** Seed and step of random numbers, which may change from play to play. */
  get random(): Tensor | undefined {
    return this.#random;
  }

  /** Records what is no part of the training, a teacher's answer say: no tape, no random numbers. */
  frozen<T>(record: () => T): T {
    const [training, random] = [this.#training, this.#random];
    this.#training = false;
    this.#random = undefined;
    try {
      return record();
    } finally {
      this.#training = training;
      this.#random = random;
    }
  }

  /**
   * Records what gradients may compute once more, so that what is inside does not stay until then: a layer, say. Where
   * the recording does so, and only the outermost of several.
   */
  recomputed<T>(record: () => T): T {
    if (!this.#training || !this.#recomputes) return record();
    const { dispatches, tape } = this;
    const [first, firstEntry] = [dispatches.length, tape.length];
    this.#recomputes = false;
    try {
      return record();
    } finally {
      this.#recomputes = true;
      this.stretches.push({
        dispatches: [first, dispatches.length],
        tape: [firstEntry, tape.length],
      });
    }
  }

  /** Records what the named points in it belong to: their paths begin with this name. */
  within<T>(name: string, record: () => T): T {
    this.#path.push(name);
    try {
      return record();
    } finally {
      this.#path.pop();
    }
  }

  /** Records what others look at the named points of. */
  watched<T>(points: Points, record: () => T): T {
    const before = this.#points;
    this.#points = points;
    try {
      return record();
    } finally {
      this.#points = before;
    }
  }

  /** Whether anybody asks for a named point: then its tensor must be computed by itself. */
  isTapped(name: string): boolean {
    return this.#points?.has(this.#pathOf(name)) === true;
  }

  /**
   * A named point: the tensor, or what whoever asked for it puts in its place. `heads`: the columns of it that the point
   * is, where these are heads.
   */
  tap(name: string, tensor: Tensor, heads?: HeadColumns): Tensor {
    return this.#points !== undefined && this.isTapped(name)
      ? this.#points.visit(this.#pathOf(name), tensor, heads)
      : tensor;
  }

  /**
   * A named point that is made for this alone, the weights of an attention say, and only where somebody asks: what was
   * made, and what is to go on in its place.
   */
  tapMade(name: string, make: () => Tensor): { made: Tensor; given: Tensor } | undefined {
    if (!this.isTapped(name)) return undefined;
    const made = make();
    return { made, given: this.tap(name, made) };
  }

  #pathOf(name: string): string {
    return [...this.#path, name].join('.');
  }

  /** A number for each operation that draws random numbers, so that no two draw the same. */
  nextSite(): number {
    return this.#sites++;
  }

  /** Puts an operation on the tape when training. */
  differentiate(entry: TapeEntry): void {
    if (this.#training) this.tape.push(entry);
  }

  /** A tensor computed by this list and needed only while it plays: the plan shares its memory. */
  transient(label: string, shape: readonly number[], dtype: Dtype = 'f32'): Tensor {
    return new Tensor({ label, shape, dtype, recording: this });
  }

  /** A tensor that keeps its own buffer between plays: an input, a cache, a counter, an output. */
  persistent(label: string, shape: readonly number[], dtype: Dtype = 'f32'): Tensor {
    const { buffer } = this.scope.tensor({ label, shape, dtype });
    return new Tensor({ label, shape, dtype, recording: this, ...(buffer && { buffer }) });
  }

  /**
   * Gives a computed tensor a buffer of its own, so that it outlives a play. Returns the tensor to
   * hand to other recordings; in this one, go on with the tensor itself.
   */
  keep(tensor: Tensor): Tensor {
    if (tensor.parts !== undefined) return mapParts(tensor, (part) => this.keep(part));
    const { label, shape, dtype } = tensor;
    const kept = this.scope.tensor({ label, shape, dtype });
    this.kept.set(tensor, kept);
    return kept;
  }

  /** Has a computed tensor written to where `place` lies: a tensor of another owner, as large. */
  place(tensor: Tensor, place: Tensor): void {
    if (tensor.parts !== undefined && place.parts?.length === tensor.parts.length) {
      tensor.parts.forEach((part, index) => this.place(part, place.parts?.[index] ?? part));
      return;
    }
    if (place.buffer === undefined || place.byteLength !== tensor.byteLength) {
      throw new RangeError(`${tensor.describe()} cannot lie at ${place.describe()}`);
    }
    this.kept.set(tensor, place);
  }

  /** Brings in a tensor of another owner, such as a cache that two lists share. */
  use(tensor: Tensor): Tensor {
    if (tensor.parts !== undefined) return mapParts(tensor, (part) => this.use(part));
    if (tensor.buffer === undefined) {
      throw new TransformerError(
        'INPUT_INVALID',
        `${tensor.label} has no buffer of its own and cannot be used by a second recording.`,
      );
    }
    const { label, shape, dtype, pitch, buffer, offset } = tensor;
    return new Tensor({ label, shape, dtype, pitch, buffer, offset, recording: this });
  }

  /** Appends one kernel call to the list. */
  dispatch(request: DispatchRequest): void {
    const { kernel, bindings, params, workgroups, constants = {}, parts = [] } = request;
    for (const [name, tensor] of Object.entries(bindings)) {
      if (!(name in kernel.bindings)) throw new RangeError(`${kernel.name} binds no ${name}`);
      if (tensor?.isRecorded === true && tensor.recording !== this) {
        throw new TransformerError(
          'INPUT_INVALID',
          `${kernel.name}: ${name} (${tensor.describe()}) belongs to another recording.`,
        );
      }
      if (tensor?.parts !== undefined) {
        const { byteLength: size, isRecorded } = tensor;
        const label = `${tensor.describe()}, which ${kernel.operation} takes whole,`;
        const limit = this.gpu.bindingLimit;
        throw limitError({ label, size, limit }, isRecorded ? 'results' : 'weights');
      }
    }
    if (workgroups === 0) return;
    const variant = variantOf(kernel, constants, formatsOf(bindings));
    const entry: Dispatch = { kernel, variant, bindings, params, constants, workgroups };
    for (const [name, access] of Object.entries(kernel.bindings)) {
      const tensor = bindings[name];
      if (access !== 'write' || tensor === undefined || tensor.buffer !== undefined) continue;
      // A window is a part of what is written; dispatches of one product write one after the other.
      if (tensor.of !== undefined) continue;
      if (this.#writers.has(tensor) && !parts.includes(name)) {
        throw new RangeError(`${kernel.name} writes ${tensor.label}, which already has a value`);
      }
      this.#writers.set(tensor, entry);
    }
    this.dispatches.push(entry);
  }

  /** The list as text, one dispatch a line: kernel, tensors, scalars, workgroups. */
  describe(): string {
    return this.dispatches
      .map(({ kernel, bindings, params, workgroups }) => {
        const tensors = Object.entries(bindings)
          .filter(([, tensor]) => tensor !== undefined)
          .map(([name, tensor]) => `${name}: ${tensor?.describe() ?? ''}`);
        const scalars = Object.entries(params).map(([name, value]) => `${name} ${value}`);
        return `${kernel.name} [${workgroups}] ${tensors.join('; ')} | ${scalars.join(', ')}`;
      })
      .join('\n');
  }

  /** Frees the buffers of this recording. */
  dispose(): void {
    this.scope.dispose();
  }
}
