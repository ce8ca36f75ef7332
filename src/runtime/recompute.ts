// Gradient checkpointing ("Training Deep Nets with Sublinear Memory Cost", Chen et al. 2016, arXiv 1604.06174, alg. 1):
// on the way back, the dispatches of a stretch are appended once more, with new tensors for what they compute. So the
// first ones end with the stretch, and the new ones live until the way back has left it. The same kernels on the same
// data give the same bits; what is random follows from numbers in the list.

import type { Dispatch, Recording, Stretch } from './record.ts';
import type { TapeEntry } from './gradient.ts';
import { Tensor } from './tensor.ts';

/** An entry of the tape as its rule gets it, and which tensor of the list each of its tensors stands for. */
interface Renewed {
  readonly entry: TapeEntry;
  readonly given: (tensor: Tensor | undefined) => Tensor | undefined;
}

export class Recomputation {
  readonly #recording: Recording;
  #current: Replay | undefined;

  constructor(recording: Recording) {
    this.#recording = recording;
  }

  /** The entry of this number; of a stretch, with what was computed once more. To be called from the last one on. */
  at(index: number, entry: TapeEntry): Renewed {
    const holds = ({ tape: [first, end] }: Stretch): boolean => first <= index && index < end;
    if (this.#current !== undefined && !holds(this.#current.stretch)) this.end();
    const stretch = this.#recording.stretches.find(holds);
    if (stretch === undefined) return { entry, given: (tensor) => tensor };
    const current = (this.#current ??= new Replay(this.#recording, stretch));
    return { entry: current.renewEntry(entry), given: (tensor) => current.givenOf(tensor) };
  }

  /** Takes out what was computed once more and that no rule has used. */
  end(): void {
    this.#current?.prune();
    this.#current = undefined;
  }
}

/** One stretch, computed once more. */
class Replay {
  readonly stretch: Stretch;
  readonly #recording: Recording;
  /** Where the dispatches lie in the list. */
  readonly #first: number;
  readonly #end: number;
  readonly #renewed = new Map<Tensor, Tensor>();
  readonly #given = new Map<Tensor, Tensor>();

  constructor(recording: Recording, stretch: Stretch) {
    this.stretch = stretch;
    this.#recording = recording;
    const { dispatches } = recording;
    this.#first = dispatches.length;
    for (const dispatch of dispatches.slice(...stretch.dispatches)) {
      for (const tensor of written(dispatch)) {
        if (!this.#renewed.has(tensor)) this.#pair(tensor, copyOf(tensor, {}));
      }
      const bindings = Object.entries(dispatch.bindings).map(
        ([name, tensor]) => [name, tensor && this.#renew(tensor)] as const,
      );
      dispatches.push({ ...dispatch, bindings: Object.fromEntries(bindings) });
    }
    this.#end = dispatches.length;
  }

  renewEntry({ op, output, inputs, trace }: TapeEntry): TapeEntry {
    return {
      op,
      output: this.#renew(output),
      inputs: inputs.map((input) => input && this.#renew(input)),
      trace: this.#renewIn(trace),
    };
  }

  givenOf(tensor: Tensor | undefined): Tensor | undefined {
    return tensor && (this.#given.get(tensor) ?? tensor);
  }

  prune(): void {
    const { dispatches } = this.#recording;
    const needed = new Set<Tensor>();
    const need = ({ bindings }: Dispatch): void => {
      for (const tensor of Object.values(bindings)) if (tensor) needed.add(tensor.of ?? tensor);
    };
    dispatches.slice(this.#end).forEach(need);
    const used: Dispatch[] = [];
    for (const dispatch of dispatches.slice(this.#first, this.#end).toReversed()) {
      if (!written(dispatch).some((tensor) => needed.has(tensor))) continue;
      need(dispatch);
      used.unshift(dispatch);
    }
    dispatches.splice(this.#first, this.#end - this.#first, ...used);
  }

  /** The tensor that takes the place of one: itself where the stretch does not compute it. */
  #renew(tensor: Tensor): Tensor {
    const known = this.#renewed.get(tensor);
    if (known !== undefined) return known;
    const { of, parts } = tensor;
    if (of !== undefined && this.#renewed.has(of)) {
      return this.#pair(tensor, copyOf(tensor, { of: this.#renew(of) }));
    }
    if (parts?.some((part) => this.#renewed.has(part)) === true) {
      return this.#pair(tensor, copyOf(tensor, { parts: parts.map((part) => this.#renew(part)) }));
    }
    return tensor;
  }

  #pair(given: Tensor, renewed: Tensor): Tensor {
    this.#renewed.set(given, renewed);
    this.#given.set(renewed, given);
    return renewed;
  }

  /** The same in plain data. */
  #renewIn(data: unknown): unknown {
    if (data instanceof Tensor) return this.#renew(data);
    if (Array.isArray(data)) return data.map((item) => this.#renewIn(item));
    if (typeof data !== 'object' || data === null) return data;
    const entries = Object.entries(data).map(([name, item]) => [name, this.#renewIn(item)]);
    return Object.fromEntries(entries);
  }
}

/** The tensors without a buffer of their own that a dispatch writes to, whole or some window. */
export function written({ kernel, bindings }: Dispatch): Tensor[] {
  return Object.entries(kernel.bindings).flatMap(([name, access]) => {
    const tensor = bindings[name];
    return access === 'write' && tensor && !tensor.buffer ? [tensor.of ?? tensor] : [];
  });
}

/** A tensor like another one of its recording. */
export function copyOf(tensor: Tensor, other: { of?: Tensor; parts?: readonly Tensor[] }): Tensor {
  const { label, shape, dtype, pitch, offset, recording } = tensor;
  return new Tensor({ label, shape, dtype, pitch, offset, recording, ...other });
}
