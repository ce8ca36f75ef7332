// The list that feeds the tokens of prompts to a decoder's cache, for one padded length. Nothing is
// chosen: the last token of each prompt is left to the first step.

import { Plan } from '../../runtime/plan.ts';
import { Recording } from '../../runtime/record.ts';
import type { Scope } from '../../runtime/scope.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { decodeCached, layersWithKeys } from '../layers/cached-stack.ts';
import type { StackCross } from '../layers/stack.ts';
import type { LanguageModelWeights } from '../layers/logits.ts';
import { ownSlots } from './kv-cache.ts';
import { positionsOf } from '../inputs/inputs.ts';
import type { Tokens } from './prompt.ts';

/** What a session has for its lists, which end with its scope. */
export interface Decoded {
  readonly scope: Scope;
  readonly rows: number;
  readonly capacity: number;
  readonly weights: LanguageModelWeights;
  /** Appends what decodes tokens at these places. */
  readonly record: <T>(recording: Recording, place: Tensor, append: () => T) => T;
  /** The cache and the encoder's output, brought into a recording. */
  readonly in: (recording: Recording) => {
    readonly caches: readonly Tensor[];
    readonly spill: Tensor | undefined;
    readonly cross: StackCross | undefined;
    /** (R) u32: the rows that sequences have for their states, of caches that these share. */
    readonly states?: Tensor | undefined;
    /** Writes what else a list goes by before it is played. */
    readonly write?: (plan: Plan, prompts: readonly Tokens[]) => void;
  };
}

/** The tokens of prompts from one place on, as many as a list is recorded for or fewer. */
export interface Chunk {
  readonly first: number;
  readonly end: number;
}

/** The tokens from `first` to before `end`, in pieces of so many at most. */
export function chunksOf(first: number, end: number, most: number): Chunk[] {
  return Array.from({ length: Math.ceil((end - first) / most) }, (_, i) => ({
    first: first + i * most,
    end: Math.min(end, first + (i + 1) * most),
  }));
}

export class Prefill {
  readonly #plan: Plan;
  readonly #ids: Tensor;
  readonly #place: Tensor;
  readonly #table: Tensor;
  readonly #write: ReturnType<Decoded['in']>['write'];

  private constructor(
    plan: Plan,
    tensors: { ids: Tensor; place: Tensor; table: Tensor },
    write: ReturnType<Decoded['in']>['write'],
  ) {
    this.#plan = plan;
    this.#ids = tensors.ids;
    this.#place = tensors.place;
    this.#table = tensors.table;
    this.#write = write;
  }

  /** Records the list for `length` tokens a sequence. */
  static async create(decoded: Decoded, length: number): Promise<Prefill> {
    const { scope, rows, capacity, weights } = decoded;
    const recording = new Recording(scope);
    try {
      const ids = recording.persistent('prompt ids', [rows, length], 'u32');
      const place = recording.persistent('prompt places', [rows, length, 2], 'u32');
      const table = recording.persistent('prompt table', [rows, capacity], 'u32');
      // Only keys and values are wanted: layers behind the last that has some are left out.
      const decoder = { ...weights.decoder, layers: layersWithKeys(weights.decoder) };
      const known = { ...decoded.in(recording), place, table };
      decoded.record(recording, place, () => decodeCached(ids, known, { ...weights, decoder }));
      return new Prefill(await Plan.create(recording, []), { ids, place, table }, known.write);
    } catch (error) {
      recording.dispose();
      throw error;
    }
  }

  /** Goes on with other caches: see `Plan.move`. */
  move(layers: readonly (readonly [from: Tensor, to: Tensor])[]): void {
    this.#plan.move(layers);
  }

  /**
   * Feeds the tokens of a chunk. What the list, or the longest prompt, is longer than a prompt has no place in the
   * table, so it joins no cache.
   */
  async play(prompts: readonly Tokens[], { first, end }: Chunk): Promise<void> {
    const length = this.#ids.size(1);
    const capacity = this.#table.size(1);
    const ids = new Uint32Array(prompts.length * length);
    const places: number[] = [];
    prompts.forEach((prompt, row) => {
      ids.set(prompt.ids.slice(first, end), row * length);
      const positions = positionsOf(prompt.mask);
      for (let t = first; t < first + length; t++) {
        places.push(positions[t] ?? 0, t + 1 in prompt.ids ? t : capacity);
      }
    });
    this.#plan.write(this.#ids, ids);
    this.#plan.write(this.#place, Uint32Array.from(places));
    this.#plan.write(this.#table, ownSlots(prompts, capacity));
    this.#write?.(this.#plan, prompts);
    await this.#plan.play();
  }
}
