// The allocation of ranks while a trainer works: what it asks of an update, and what it does behind one.

import type { Gpu } from '../../runtime/gpu.ts';
import { allOf, readBack } from '../../runtime/read-back.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { orthogonalize } from '../../shaders/optimizer/orthogonality.ts';
import type { Parameters } from '../../model/weights/parameters.ts';
import { namedValues } from '../../model/weights/read-parameters.ts';
import { write } from '../../model/weights/slice-writer.ts';
import {
  allocationAt,
  budgetAt,
  type CheckedAdaptive,
  keptWithin,
  type KeptRanks,
} from './adaptive-ranks.ts';
import type { Matrices } from './lora-matrices.ts';

/** What a trainer keeps for it: how sensitive the loss is to each parameter, and how uncertain that is. */
export interface Importance {
  readonly sensitivity: readonly Tensor[];
  readonly uncertainty: readonly Tensor[];
}

interface AllocationState {
  readonly parameters: Parameters;
  readonly importance: Importance | undefined;
}

export class RankAllocation {
  readonly options: CheckedAdaptive;
  readonly #gpu: Gpu;
  readonly #matrices: () => Matrices;
  #kept: KeptRanks | undefined;

  constructor(gpu: Gpu, options: CheckedAdaptive, matrices: () => Matrices) {
    this.#gpu = gpu;
    this.options = options;
    this.#matrices = matrices;
  }

  /** Which ranks are left; undefined before the first allocation. */
  get kept(): KeptRanks | undefined {
    return this.#kept;
  }

  /** Takes up what was allocated before. */
  resume(kept: KeptRanks | undefined): void {
    this.#kept = kept;
  }

  /** Whether the importance of parameters is smoothed in this step. */
  counts(step: number): boolean {
    const { totalSteps, finalSteps } = this.options;
    return step < totalSteps - finalSteps;
  }

  /** Adds the slope of the penalty of singular vectors that are not orthonormal to gradients. */
  regularize(gradientOf: (parameter: Tensor) => Tensor): void {
    const { layers } = this.#matrices();
    const weight = this.options.orthogonality / (2 * layers.length);
    for (const { a, b } of layers) {
      const [ofA, ofB] = [gradientOf(a), gradientOf(b)];
      const { recording } = ofA;
      orthogonalize({ parameter: recording.use(a), gradient: ofA, areColumns: false }, weight);
      orthogonalize({ parameter: recording.use(b), gradient: ofB, areColumns: true }, weight);
    }
  }

  /** What is to be done behind the update of a step: at once, or when what it returns resolves. */
  after(step: number, state: AllocationState): Promise<void> | undefined {
    const what = allocationAt(step, this.options);
    if (what === 'allocate') return this.#allocate(step, state);
    if (what === 'keep') this.#zero();
    return undefined;
  }

  async #allocate(step: number, { parameters, importance }: AllocationState): Promise<void> {
    if (importance === undefined) throw new RangeError('nothing was watched');
    const read = [importance.sensitivity, importance.uncertainty].map(async (segments) => {
      const blocks = await readBack(this.#gpu, segments);
      return namedValues(
        parameters,
        blocks.map((bytes) => new Float32Array(bytes)),
      );
    });
    const scores = await allOf(read);
    const { sized } = this.#matrices();
    const [{ rank } = { rank: 0 }] = sized;
    const budget = budgetAt(step, this.options, { layers: sized.length, rank });
    this.#kept = keptWithin(budget, sized, scores);
    this.#zero();
  }

  /** Sets singular values to 0 that are not left. */
  #zero(): void {
    for (const { name, singular } of this.#matrices().layers) {
      this.#kept?.get(name)?.forEach((isKept, i) => {
        if (!isKept && singular) write(this.#gpu, singular, 4 * i, new Float32Array(1));
      });
    }
  }
}
