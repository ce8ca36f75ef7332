// Greedy steps of a decoder: a list of one decoding step that is replayed for every token. All that
// changes from step to step lives in buffers.

import type { Gpu } from '../runtime/gpu.ts';
import { Plan } from '../runtime/plan.ts';
import { Recording } from '../runtime/record.ts';
import type { Tensor } from '../runtime/tensor.ts';
import { argmax } from '../shaders/argmax.ts';
import { advance } from '../shaders/embedding.ts';
import type { DecodePrompt, DecodeSession, DecodeState } from './decoding.ts';
import type { GenerationSettings } from './generation-config.ts';

export class GreedySession {
  readonly #session: DecodeSession;
  readonly #step: Plan;
  readonly #state: DecodeState;
  readonly #suppressed: Tensor;
  #started: Promise<void> = Promise.resolve();

  private constructor(session: DecodeSession, step: Plan, state: DecodeState, suppressed: Tensor) {
    this.#session = session;
    this.#step = step;
    this.#state = state;
    this.#suppressed = suppressed;
  }

  static async create(gpu: Gpu, opening: Promise<DecodeSession>): Promise<GreedySession> {
    const session = await opening;
    const { rows, capacity, vocabulary } = session;
    const recording = new Recording(gpu);
    try {
      const state = {
        tokens: recording.persistent('tokens', [rows, 1], 'u32'),
        place: recording.persistent('places', [rows, 1, 2], 'u32'),
        rows: recording.persistent('cache rows', [rows, capacity], 'u32'),
      };
      const suppressed = recording.persistent('suppressed', [vocabulary], 'u32');
      argmax(session.recordStep(recording, state), state.tokens, suppressed);
      advance(state.place);
      const step = await Plan.create(recording, [state.tokens]);
      return new GreedySession(session, step, state, suppressed);
    } catch (error) {
      recording.dispose();
      session.dispose();
      throw error;
    }
  }

  /** Encodes the source and fills the caches. */
  start(prompt: DecodePrompt, { suppressed }: GenerationSettings): void {
    const flags = new Uint32Array(this.#suppressed.size(0));
    for (const id of suppressed) flags[id] = 1;
    this.#step.write(this.#suppressed, flags);
    this.#started = this.#session.start(prompt, this.#state, this.#step);
    this.#started.catch(() => {}); // the first step reports it
  }

  /**
   * Feeds one token a sequence and chooses the next: `tokens`, or what the step before chose.
   * Resolves with the choices; several steps may be under way at once.
   */
  async step(tokens?: readonly number[]): Promise<Uint32Array> {
    await this.#started;
    if (tokens !== undefined) this.#step.write(this.#state.tokens, Uint32Array.from(tokens));
    const [bytes] = await this.#step.play();
    return new Uint32Array(bytes ?? new ArrayBuffer(0));
  }

  dispose(): void {
    this.#session.dispose();
    this.#step.dispose();
  }
}
