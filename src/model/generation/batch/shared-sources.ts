// What the sequences of a batch see of their sources: keys and values of an encoder's output, each source in slots of its
// own, as many as it has vectors.

import { bytesOf } from '../../../runtime/dtype.ts';
import { Plan } from '../../../runtime/plan.ts';
import { Recording } from '../../../runtime/record.ts';
import type { Scope } from '../../../runtime/scope.ts';
import type { Tensor } from '../../../runtime/tensor.ts';
import { hiddenSlot } from '../../../shaders/attention/decode/attention-decode.ts';
import {
  type CheckedInput,
  type InputShape,
  paddedLength,
  type RecordedInput,
  type SourceStage,
} from '../../inputs/input-stage.ts';
import { recall, remember } from '../../layers/cross-attention.ts';
import type { StackCross } from '../../layers/stack.ts';
import { encodeVectors, type TransformerWeights } from '../../layers/transformer.ts';
import { PlanCache } from '../../plan-cache.ts';
import { GrowingRows, type Move } from '../growing-rows.ts';
import type { Tokens } from '../prompt.ts';

/** Lists of encoders that are kept, each for one shape of sources. */
const keptEncoders = 4;
/** Slots that there is memory for at first. */
const firstSlots = 256;

/** A list that encodes sources of one shape. */
interface EncoderList {
  readonly plan: Plan;
  readonly source: RecordedInput;
  /** A layer's keys and values, (B, S, 2 · key width), until they are in their slots. */
  readonly keyValues: readonly Tensor[];
  dispose(): void;
}

/** An encoder, and what it begins with. */
export interface SourceEncoder {
  readonly stage: SourceStage;
  readonly weights: TransformerWeights;
}

/** What a list sees of sources, and how that is written before it is played. */
interface SeenSources {
  readonly cross: StackCross;
  readonly write: (plan: Plan, prompts: readonly Tokens[]) => void;
}

export class SharedSources {
  readonly #scope: Scope;
  readonly #encoder: SourceEncoder;
  readonly #most: number;
  readonly #positions: number;
  /** Of each layer (slots, 2 · key width). */
  readonly #slots: GrowingRows;
  readonly #lists = new PlanCache<EncoderList>(keptEncoders);

  /** `slots`: of all sources at most; `positions`: those that an encoder of tokens reads. Ends with `scope`. */
  constructor(
    scope: Scope,
    encoder: SourceEncoder,
    { slots, positions }: { readonly slots: number; readonly positions: number },
  ) {
    this.#scope = scope;
    this.#encoder = encoder;
    this.#most = slots;
    this.#positions = positions;
    const widths = encoder.weights.decoder.layers.flatMap(({ crossAttention: cross }) =>
      cross === undefined ? [] : [cross.keyValue.weight.size(0)],
    );
    this.#slots = new GrowingRows(scope, Math.min(slots, firstSlots), (owner, rows) =>
      widths.map((width, layer) =>
        owner.tensor({ label: `sources ${layer}`, shape: [rows, width], dtype: 'f32' }),
      ),
    );
  }

  /** Slots that there is memory for now. */
  get room(): number {
    return this.#slots.rows;
  }

  /** Has memory for so many slots: see `SharedCache.reserve`. */
  async reserve(slots: number, move: Move): Promise<void> {
    await this.#slots.reserve(slots, this.#most, move);
  }

  /** Encodes the rows of a source into the slots of each. */
  async encode(source: CheckedInput, slots: readonly (readonly number[])[]): Promise<void> {
    const shape: InputShape = {
      batch: source.batch,
      length: paddedLength(source, this.#positions),
      size: source.size,
    };
    const { item: list, release } = await this.#lists.take(JSON.stringify(shape), () =>
      this.#record(shape),
    );
    try {
      list.source.write(list.plan, source);
      const played = list.plan.play();
      played.catch(() => {}); // told where it is waited for
      this.#put(list, shape.length, slots);
      await played;
    } finally {
      release();
    }
  }

  /** What a list of so many sequences sees: of sources of `length` vectors at most. */
  in(recording: Recording, rows: number, length: number): SeenSources {
    const table = recording.persistent('sources', [rows, length], 'u32');
    const last = recording.persistent('ends of sources', [rows, 1, 2], 'u32');
    const keyValues = this.#slots.tensors.map((tensor) => recording.use(tensor));
    return {
      cross: recall({ keyValues, table, last }),
      write(plan, prompts) {
        const seen = new Uint32Array(rows * length).fill(hiddenSlot);
        const ends = new Uint32Array(2 * rows);
        prompts.forEach(({ source = [] }, row) => {
          seen.set(source, row * length);
          ends[2 * row + 1] = Math.max(1, source.length) - 1;
        });
        plan.write(table, seen);
        plan.write(last, ends);
      },
    };
  }

  dispose(): void {
    this.#lists.dispose();
  }

  async #record(shape: InputShape): Promise<EncoderList> {
    const { stage, weights } = this.#encoder;
    const { encoder, decoder, bridge } = weights;
    const recording = new Recording(this.#scope);
    try {
      const source = stage.record(recording, shape);
      const { keyValues } = remember(encodeVectors(source, encoder), source.mask, decoder, bridge);
      const kept = keyValues.map((tensor) => recording.keep(tensor));
      const plan = await Plan.create(recording, []);
      return { plan, source, keyValues: kept, dispose: () => plan.dispose() };
    } catch (error) {
      recording.dispose();
      throw error;
    }
  }

  /** Copies keys and values to where sequences find them: slots that follow each other at once. */
  #put({ keyValues }: EncoderList, length: number, slots: readonly (readonly number[])[]): void {
    this.#scope.assertUsable();
    const { device } = this.#scope.gpu;
    const encoder = device.createCommandEncoder({ label: 'sources' });
    const runs = slots.flatMap((own, row) => runsOf(own, row * length));
    for (const [layer, from] of keyValues.entries()) {
      const to = this.#slots.tensors[layer];
      if (from.buffer === undefined || to?.buffer === undefined) {
        throw new RangeError(`${from.label} of layer ${layer} lies in no one buffer`);
      }
      const bytes = bytesOf(from.dtype, from.size(-1));
      for (const { first, slot, count } of runs) {
        const [source, target] = [from.offset + first * bytes, to.offset + slot * bytes];
        encoder.copyBufferToBuffer(from.buffer, source, to.buffer, target, count * bytes);
      }
    }
    device.queue.submit([encoder.finish()]);
  }
}

/** Vectors from one on that go to slots from one on. */
interface SlotRun {
  readonly first: number;
  readonly slot: number;
  count: number;
}

/** Which vectors, from `first` on, go to slots that follow each other. */
function runsOf(slots: readonly number[], first: number): SlotRun[] {
  const runs: SlotRun[] = [];
  for (const [index, slot] of slots.entries()) {
    const last = runs.at(-1);
    if (last !== undefined && last.slot + last.count === slot) last.count++;
    else runs.push({ first: first + index, slot, count: 1 });
  }
  return runs;
}
