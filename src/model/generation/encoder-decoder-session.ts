// Generation with an encoder and a decoder: the lists and caches for one number of sequences, beams of
// each, one padded length of the source and one capacity.

import type { Gpu } from '../../runtime/gpu.ts';
import { Plan } from '../../runtime/plan.ts';
import { Recording } from '../../runtime/record.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import type { KeyValueCache } from '../../shaders/attention/attention-decode.ts';
import { type DecodePrompt, type DecodeSession, type DecodeState, writeState } from './decoding.ts';
import { bucket, padRows } from '../inputs/inputs.ts';
import { logits } from '../layers/logits.ts';
import { decoderCaches, PromptPlan, useDecoded } from './prompt-plan.ts';
import { tokensOf, writePositions } from '../inputs/token-inputs.ts';
import { encode, type TransformerWeights } from '../layers/transformer.ts';
import { decodeCached } from '../layers/cached-stack.ts';
import { type Memory, remember } from '../layers/cross-attention.ts';
import type { Tokens } from '../layers/embeddings.ts';

export interface EncoderDecoderSessionShape {
  /** A multiple of `batch`: neighbouring rows share a source. */
  readonly rows: number;
  readonly batch: number;
  /** Padded length of the source. */
  readonly sourceLength: number;
  /** Tokens that the caches hold at most. */
  readonly capacity: number;
}

interface Parts {
  readonly weights: TransformerWeights;
  readonly shape: EncoderDecoderSessionShape;
  readonly encoder: Plan;
  readonly source: Tokens;
  readonly memory: Memory;
  readonly caches: readonly KeyValueCache[];
}

export class EncoderDecoderSession implements DecodeSession {
  readonly rows: number;
  readonly batch: number;
  readonly capacity: number;
  readonly vocabulary: number;
  readonly #parts: Parts;
  readonly #prompts = new Map<number, PromptPlan>();

  private constructor(parts: Parts) {
    const { rows, batch, capacity } = parts.shape;
    this.rows = rows;
    this.batch = batch;
    this.capacity = capacity;
    this.vocabulary = parts.weights.output.weight.size(0);
    this.#parts = parts;
  }

  static async create(
    gpu: Gpu,
    weights: TransformerWeights,
    shape: EncoderDecoderSessionShape,
  ): Promise<EncoderDecoderSession> {
    const { rows, batch, sourceLength, capacity } = shape;
    const recording = new Recording(gpu);
    try {
      const source = tokensOf(recording, 'source', batch, sourceLength);
      const computed = remember(encode(source, weights), source.mask, weights.decoder);
      // Keys and values of the source outlive the encoder's list: the steps read them.
      const keyValues = computed.keyValues.map((tensor) => recording.keep(tensor));
      const memory = { keyValues, mask: source.mask };
      const caches = decoderCaches(recording.scope, weights.decoder, rows, capacity);
      const encoder = await Plan.create(recording, []);
      writePositions(encoder, source);
      return new EncoderDecoderSession({ weights, shape, encoder, source, memory, caches });
    } catch (error) {
      recording.dispose();
      throw error;
    }
  }

  recordStep(recording: Recording, { tokens, place, rows }: DecodeState): Tensor {
    const { weights } = this.#parts;
    const used = useDecoded(recording, this.#parts.caches, this.#parts.memory);
    return logits(decodeCached(tokens, { ...used, place, rows }, weights), weights);
  }

  async start(prompt: DecodePrompt, state: DecodeState, plan: Plan): Promise<void> {
    const { encoder, source: inputs, shape } = this.#parts;
    const { source, tokens } = prompt;
    if (source === undefined) throw new RangeError('a generation without a source');
    encoder.write(inputs.ids, padRows(source.ids, shape.sourceLength));
    encoder.write(inputs.mask, padRows(source.mask, shape.sourceLength));
    writeState(prompt, state, plan);
    const encoded = encoder.play();
    const end = tokens.length - 1;
    // Rows that share a source attend to it one token at a time.
    const length = this.rows > this.batch ? 1 : end;
    for (let first = 0; first < end; first += length) {
      const list = await this.#promptPlan(length === 1 ? 1 : bucket(length, this.capacity));
      await list.play(prompt, { first, end: first + length });
    }
    await encoded;
  }

  dispose(): void {
    this.#parts.encoder.dispose();
    for (const list of this.#prompts.values()) list.dispose();
  }

  async #promptPlan(length: number): Promise<PromptPlan> {
    const { weights, caches, memory, encoder } = this.#parts;
    const known = this.#prompts.get(length);
    if (known !== undefined) return known;
    const list = await PromptPlan.create(encoder.recording.gpu, weights, length, {
      caches,
      memory,
    });
    this.#prompts.set(length, list);
    return list;
  }
}
