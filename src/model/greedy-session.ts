// The lists and buffers of one generation: an encoder list, and a list of one decoding step that
// is replayed for every token. All that changes from step to step lives in buffers.

import type { Gpu } from '../runtime/gpu.ts';
import { Plan } from '../runtime/plan.ts';
import { Recording } from '../runtime/record.ts';
import type { Tensor } from '../runtime/tensor.ts';
import { argmax } from '../shaders/argmax.ts';
import type { KeyValueCache } from '../shaders/attention-decode.ts';
import { advance } from '../shaders/embedding.ts';
import type { GenerationSettings } from './generation-config.ts';
import { tokensOf, writePositions } from './token-inputs.ts';
import {
  decodeStep,
  encode,
  logits,
  remember,
  type Tokens,
  type TransformerWeights,
} from './transformer.ts';

export interface SessionShape {
  readonly batch: number;
  /** Padded length of the source. */
  readonly sourceLength: number;
  /** Tokens that the caches hold at most. */
  readonly capacity: number;
  readonly vocabulary: number;
  readonly dModel: number;
}

export class GreedySession {
  readonly batch: number;
  readonly #encoder: Plan;
  readonly #source: Tokens;
  readonly #step: Plan;
  /** The token each sequence feeds next, (B, 1); the step writes the token it chose here. */
  readonly #tokens: Tensor;
  /** Tokens in each sequence's cache, (B, 1): also the position of the next one. */
  readonly #length: Tensor;
  readonly #suppressed: Tensor;
  #encoded: Promise<unknown> = Promise.resolve();

  private constructor(parts: {
    batch: number;
    encoder: Plan;
    source: Tokens;
    step: Plan;
    tokens: Tensor;
    length: Tensor;
    suppressed: Tensor;
  }) {
    this.batch = parts.batch;
    this.#encoder = parts.encoder;
    this.#source = parts.source;
    this.#step = parts.step;
    this.#tokens = parts.tokens;
    this.#length = parts.length;
    this.#suppressed = parts.suppressed;
  }

  static async create(
    gpu: Gpu,
    weights: TransformerWeights,
    { batch, sourceLength, capacity, vocabulary, dModel }: SessionShape,
  ): Promise<GreedySession> {
    const encoding = new Recording(gpu);
    const stepping = new Recording(gpu);
    try {
      const source = tokensOf(encoding, 'source', batch, sourceLength);
      const memory = remember(encode(source, weights), source.mask, weights);
      // Keys and values of the source outlive the encoder's list: the steps read them.
      const kept = memory.keyValues.map((tensor) => encoding.keep(tensor));

      const tokens = stepping.persistent('tokens', [batch, 1], 'u32');
      const length = stepping.persistent('length', [batch, 1], 'u32');
      const suppressed = stepping.persistent('suppressed', [vocabulary], 'u32');
      const caches = weights.decoder.layers.map((_, layer): KeyValueCache => {
        const cache = (name: string): Tensor =>
          stepping.persistent(`${name} cache ${layer}`, [batch, capacity, dModel]);
        return { k: cache('key'), v: cache('value'), length };
      });
      const hidden = decodeStep(
        { ids: tokens, position: length },
        caches,
        {
          keyValues: kept.map((tensor) => stepping.use(tensor)),
          mask: stepping.use(source.mask),
        },
        weights,
      );
      argmax(logits(hidden, weights), tokens, suppressed);
      advance(length);

      const encoder = await Plan.create(encoding, []);
      const step = await Plan.create(stepping, [tokens]);
      writePositions(encoder, source, sourceLength);
      return new GreedySession({ batch, encoder, source, step, tokens, length, suppressed });
    } catch (error) {
      encoding.dispose();
      stepping.dispose();
      throw error;
    }
  }

  /** Encodes the source and empties the caches. ids and mask: (B, S), padded. */
  start(
    ids: Uint32Array<ArrayBuffer>,
    mask: Uint32Array<ArrayBuffer>,
    { suppressed }: GenerationSettings,
  ): void {
    this.#encoder.write(this.#source.ids, ids);
    this.#encoder.write(this.#source.mask, mask);
    this.#step.write(this.#length, new Uint32Array(this.batch));
    const flags = new Uint32Array(this.#suppressed.size(0));
    for (const id of suppressed) flags[id] = 1;
    this.#step.write(this.#suppressed, flags);
    this.#encoded = this.#encoder.play();
    this.#encoded.catch(() => {}); // the first step reports it
  }

  /**
   * Feeds one token a sequence and chooses the next: `tokens`, or what the step before chose.
   * Resolves with the choices; several steps may be under way at once.
   */
  async step(tokens?: readonly number[]): Promise<Uint32Array> {
    if (tokens !== undefined) this.#step.write(this.#tokens, Uint32Array.from(tokens));
    const [[bytes]] = await Promise.all([this.#step.play(), this.#encoded]);
    return new Uint32Array(bytes ?? new ArrayBuffer(0));
  }

  dispose(): void {
    this.#encoder.dispose();
    this.#step.dispose();
  }
}
