// What pruning takes away: elements of the parameters that become zero, and stay zero in training.

import { isA, TransformerError } from '../runtime/errors.ts';
import type { Gpu } from '../runtime/gpu.ts';
import { readBack } from '../runtime/read-back.ts';
import { elements, type Tensor } from '../runtime/tensor.ts';
import type { Model } from '../model/model.ts';
import { type Parameters, rangesIn, type WeightSlice } from '../model/weights/parameters.ts';
import type { TrainableModel } from '../model/trainable-model.ts';
import { invalidOption, trainableOf } from './check.ts';
import { trainableParameters } from './trainable-parts.ts';
import './trainable-models.ts';
import { Trainer } from './trainer.ts';

/** What is pruned: a model that was loaded with `training: true`, or one on which a trainer works. */
export interface Subject {
  readonly gpu: Gpu;
  readonly model: TrainableModel;
  readonly parameters: Parameters;
  readonly trainer: Trainer | undefined;
  readonly target: Model | Trainer;
}

/** @throws TransformerError OPTION_INVALID, MODEL_UNSUPPORTED, DISPOSED */
export function subjectOf(target: Model | Trainer): Subject {
  const trainer = isA(target, Trainer) ? target : undefined;
  trainer?.expectUsable();
  if (trainer?.options.adapter !== undefined) {
    throw new TransformerError(
      'OPTION_INVALID',
      "This trainer trains an adapter, not the model's weights. Prune the model before it gets one.",
    );
  }
  const model = isA(target, Trainer) ? target.model : trainableOf('What is pruned', target);
  return { gpu: target.gpu, model, parameters: trainableParameters(model), trainer, target };
}

/** Which elements were pruned. */
export class PruningMask {
  #parameters: Parameters;
  /** By segment, a byte an element: 1 for what is pruned. */
  readonly #pruned: readonly Uint8Array[];

  /** @internal */
  constructor(parameters: Parameters) {
    this.#parameters = parameters;
    this.#pruned = parameters.segments.map(({ shape }) => new Uint8Array(elements(shape)));
  }

  /** The bytes of a parameter's elements, to be set. @internal */
  of(tensor: Tensor): Uint8Array {
    const place = this.#parameters.places.find((one) => one.tensor === tensor);
    const bytes = this.#pruned[place?.segment ?? -1];
    if (place === undefined || bytes === undefined) {
      throw new RangeError(`${tensor.describe()} is no parameter`);
    }
    return bytes.subarray(place.first, place.first + elements(tensor.shape));
  }

  /** Adds the elements of a slice whose mark is 1. @internal */
  mark(slice: Pick<WeightSlice, 'tensor' | 'first' | 'size'>, marks: Uint8Array): void {
    for (const { segment, first, before, size } of rangesIn(this.#parameters.places)(slice)) {
      const bytes = this.#pruned[segment]?.subarray(first, first + size);
      bytes?.forEach((mark, i) => (bytes[i] = mark | (marks[before + i] ?? 0)));
    }
  }

  /**
   * Sets the elements to zero and has the trainer leave them so, in this run: its update passes over
   * them. For trainers made after the pruning, and again after `restore`.
   * @throws TransformerError OPTION_INVALID for a trainer of another model
   */
  async keepIn(trainer: Trainer): Promise<void> {
    if (!isA(trainer, Trainer)) throw invalidOption('trainer', trainer, 'a Trainer');
    const subject = subjectOf(trainer);
    if (subject.parameters !== this.#parameters) {
      throw new TransformerError(
        'OPTION_INVALID',
        'This trainer works on another model than the one that was pruned. Pass a trainer of that one.',
      );
    }
    await this.apply(subject);
  }

  /**
   * Sets the elements to zero, and freezes them where there is a trainer; again when the device was lost and
   * came back. @internal
   */
  async apply(subject: Subject): Promise<void> {
    await this.zero(subject);
    const { target } = subject;
    target.whenReloaded?.(() => {
      const renewed = subjectOf(target);
      this.#parameters = renewed.parameters;
      return this.zero(renewed);
    });
  }

  /** The same for as long as this device is there. @internal */
  async zero({ gpu, trainer }: Subject): Promise<void> {
    await this.#change(gpu, this.#parameters.segments, (bytes, pruned) => {
      const values = new Float32Array(bytes);
      pruned.forEach((is, i) => {
        if (is !== 0) values[i] = 0;
      });
    });
    if (trainer === undefined) return;
    const { state } = trainer;
    await this.#change(gpu, state.flags, (bytes, pruned) => {
      const flags = new Uint8Array(bytes);
      pruned.forEach((is, i) => {
        if (is === 0 || flags[i] === 0) return;
        flags[i] = 0;
        state.count -= 1;
      });
    });
  }

  async #change(
    gpu: Gpu,
    segments: readonly Tensor[],
    change: (bytes: ArrayBuffer, pruned: Uint8Array) => void,
  ): Promise<void> {
    const blocks = await readBack(gpu, segments);
    segments.forEach(({ buffer, offset }, index) => {
      const [bytes, pruned] = [blocks[index], this.#pruned[index]];
      if (buffer === undefined || bytes === undefined || pruned?.includes(1) !== true) return;
      change(bytes, pruned);
      gpu.device.queue.writeBuffer(buffer, offset, bytes);
    });
  }
}
