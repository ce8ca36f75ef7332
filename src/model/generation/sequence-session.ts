// Generation with a language model: caches for a number of rows and a capacity. What the caches hold of
// a prompt already, from the last turn of a chat say, is not computed again.

import type { Gpu } from '../../runtime/gpu.ts';
import type { Plan } from '../../runtime/plan.ts';
import type { Recording } from '../../runtime/record.ts';
import { Scope } from '../../runtime/scope.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import type { KeyValueCache } from '../../shaders/attention/attention-decode.ts';
import { type DecodePrompt, type DecodeSession, type DecodeState, writeState } from './decoding.ts';
import type { SequenceDefinition } from '../definitions.ts';
import { bucket } from '../inputs/inputs.ts';
import { type LanguageModelWeights, logits } from '../layers/logits.ts';
import { decoderCaches, PromptPlan, useDecoded } from './prompt-plan.ts';
import { stretchRotary } from '../layers/stretched-rotary.ts';
import { decodeCached } from '../layers/cached-stack.ts';

/** Sessions of one model that are not disposed of. */
export type SequenceSessions = Set<SequenceSession>;

export interface SequenceSessionShape {
  readonly rows: number;
  readonly batch: number;
  readonly capacity: number;
}

export class SequenceSession implements DecodeSession {
  readonly rows: number;
  readonly batch: number;
  readonly capacity: number;
  readonly vocabulary: number;
  readonly #gpu: Gpu;
  readonly #definition: SequenceDefinition;
  readonly #weights: LanguageModelWeights;
  readonly #scope: Scope;
  readonly #caches: readonly KeyValueCache[];
  readonly #prompts = new Map<number, PromptPlan>();
  readonly #others: SequenceSessions;
  /** The tokens in the caches, while nobody generates; of sessions with one row. */
  #held: readonly number[] = [];

  constructor(
    gpu: Gpu,
    { definition, weights }: { definition: SequenceDefinition; weights: LanguageModelWeights },
    { rows, batch, capacity }: SequenceSessionShape,
    others: SequenceSessions,
  ) {
    this.rows = rows;
    this.batch = batch;
    this.capacity = capacity;
    this.vocabulary = weights.output.weight.size(0);
    this.#gpu = gpu;
    this.#definition = definition;
    this.#weights = weights;
    this.#scope = new Scope(gpu);
    this.#caches = decoderCaches(this.#scope, weights.decoder, rows, capacity);
    this.#others = others.add(this);
  }

  recordStep(recording: Recording, { tokens, place, rows }: DecodeState): Tensor {
    const { caches } = useDecoded(recording, this.#caches, undefined);
    return logits(decodeCached(tokens, { caches, place, rows }, this.#weights), this.#weights);
  }

  async start(prompt: DecodePrompt, state: DecodeState, plan: Plan): Promise<void> {
    writeState(prompt, state, plan);
    const end = prompt.tokens.length - 1;
    const first = Math.min(end, this.#reuse(prompt));
    this.#held = [];
    if (end === first) return;
    const list = await this.#promptPlan(bucket(end - first, this.capacity));
    stretchRotary(this.#gpu, this.#definition.rotary ?? [], end);
    await list.play(prompt, { first, end });
  }

  beforeStep(length: number): void {
    stretchRotary(this.#gpu, this.#definition.rotary ?? [], length);
  }

  finish(sequences: readonly (readonly number[])[]): void {
    // The last token was chosen, but not fed.
    const [tokens = []] = sequences;
    if (this.rows === 1 && (this.#definition.rotary ?? []).length === 0) {
      this.#held = tokens.slice(0, Math.min(this.capacity, tokens.length - 1));
    }
  }

  dispose(): void {
    this.#others.delete(this);
    for (const list of this.#prompts.values()) list.dispose();
    this.#scope.dispose();
  }

  /** How many tokens of the prompt the caches hold now; another session's may be copied for that. */
  #reuse({ tokens, mask }: DecodePrompt): number {
    const [row = []] = tokens.rows;
    if (this.rows > 1 || mask.rows.flat().includes(0)) return 0;
    let best: { session: SequenceSession; length: number } = { session: this, length: 0 };
    for (const session of this.#others) {
      const held = session.#held;
      const differs = row.findIndex((token, slot) => token !== held[slot]);
      const length = Math.min(differs < 0 ? row.length : differs, this.capacity);
      if (length > best.length) best = { session, length };
    }
    if (best.session !== this && best.length > 0) this.#copy(best.session, best.length);
    return best.length;
  }

  /** Copies the first slots of another session of one row. */
  #copy(from: SequenceSession, length: number): void {
    const { device } = this.#gpu;
    const encoder = device.createCommandEncoder({ label: 'caches' });
    this.#caches.forEach((cache, layer) => {
      const other = from.#caches[layer];
      for (const [to, of] of [
        [cache.k, other?.k],
        [cache.v, other?.v],
      ] as const) {
        if (to.buffer === undefined || of?.buffer === undefined) continue;
        encoder.copyBufferToBuffer(of.buffer, 0, to.buffer, 0, 4 * length * to.size(-1));
      }
    });
    device.queue.submit([encoder.finish()]);
  }

  async #promptPlan(length: number): Promise<PromptPlan> {
    const known = this.#prompts.get(length);
    if (known !== undefined) return known;
    const list = await PromptPlan.create(this.#gpu, this.#weights, length, {
      caches: this.#caches,
    });
    this.#prompts.set(length, list);
    return list;
  }
}
