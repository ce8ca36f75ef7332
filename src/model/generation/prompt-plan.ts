// The list that feeds the tokens of a prompt to a decoder's caches, for one padded length. Nothing is
// chosen: the last token of the prompt is left to the first step.

import type { Gpu } from '../../runtime/gpu.ts';
import { Plan } from '../../runtime/plan.ts';
import { Recording } from '../../runtime/record.ts';
import type { Scope } from '../../runtime/scope.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import type { KeyValueCache } from '../../shaders/attention/attention-decode.ts';
import { layoutOf } from '../layers/attention.ts';
import { cacheRows, type DecodePrompt, positionsOf } from './decoding.ts';
import { padRows } from '../inputs/inputs.ts';
import type { LanguageModelWeights } from '../layers/logits.ts';
import { decodeCached } from '../layers/cached-stack.ts';
import type { StackWeights } from '../layers/stack.ts';
import type { Memory } from '../layers/cross-attention.ts';

/** Caches for every layer of a decoder, owned by `scope`: (rows, capacity, width) each. */
export function decoderCaches(
  scope: Scope,
  { layers }: StackWeights,
  rows: number,
  capacity: number,
): KeyValueCache[] {
  return layers.map(({ selfAttention }, layer) => {
    const { keyWidth } = layoutOf(selfAttention);
    const cache = (name: string): Tensor =>
      scope.tensor({
        label: `${name} cache ${layer}`,
        shape: [rows, capacity, keyWidth],
        dtype: 'f32',
      });
    return { k: cache('key'), v: cache('value') };
  });
}

/** Brings caches and memory of another owner into a recording. */
export function useDecoded(
  recording: Recording,
  caches: readonly KeyValueCache[],
  memory: Memory | undefined,
): { caches: KeyValueCache[]; memory: Memory | undefined } {
  return {
    caches: caches.map(({ k, v }) => ({ k: recording.use(k), v: recording.use(v) })),
    memory: memory && {
      keyValues: memory.keyValues.map((tensor) => recording.use(tensor)),
      mask: recording.use(memory.mask),
    },
  };
}

/** The tokens of a prompt from one slot on, as many as a list is recorded for or fewer. */
interface Chunk {
  readonly first: number;
  readonly end: number;
}

export class PromptPlan {
  readonly #plan: Plan;
  readonly #ids: Tensor;
  readonly #place: Tensor;
  readonly #rows: Tensor;

  private constructor(plan: Plan, tensors: { ids: Tensor; place: Tensor; rows: Tensor }) {
    this.#plan = plan;
    this.#ids = tensors.ids;
    this.#place = tensors.place;
    this.#rows = tensors.rows;
  }

  /** Records the list for `length` tokens a row. */
  static async create(
    gpu: Gpu,
    weights: LanguageModelWeights,
    length: number,
    cached: { readonly caches: readonly KeyValueCache[]; readonly memory?: Memory | undefined },
  ): Promise<PromptPlan> {
    const recording = new Recording(gpu);
    try {
      const { caches, memory } = useDecoded(recording, cached.caches, cached.memory);
      const [rowCount = 0, capacity = 0] = caches[0]?.k.shape ?? [];
      const ids = recording.persistent('prompt ids', [rowCount, length], 'u32');
      const place = recording.persistent('prompt places', [rowCount, length, 2], 'u32');
      const rows = recording.persistent('prompt rows', [rowCount, capacity], 'u32');
      decodeCached(ids, { caches, place, rows, memory }, weights);
      return new PromptPlan(await Plan.create(recording, []), { ids, place, rows });
    } catch (error) {
      recording.dispose();
      throw error;
    }
  }

  /** Feeds the tokens of a chunk. What the list is longer than it is written over by later tokens. */
  async play({ tokens, mask }: DecodePrompt, { first, end }: Chunk): Promise<void> {
    const [length, capacity] = [this.#ids.size(1), this.#rows.size(1)];
    const rows = tokens.rows.map((row) => row.slice(first, end));
    this.#plan.write(
      this.#ids,
      padRows({ batch: tokens.batch, length: end - first, rows }, length),
    );
    const places = mask.rows.flatMap((row) => {
      const positions = positionsOf(row);
      return Array.from({ length }, (_, t) => [positions[first + t] ?? 0, first + t]).flat();
    });
    this.#plan.write(this.#place, Uint32Array.from(places));
    this.#plan.write(this.#rows, cacheRows(mask.rows, capacity));
    await this.#plan.play();
  }

  dispose(): void {
    this.#plan.dispose();
  }
}
