// How generation is asked for: one sequence at a time, its tokens as they come. Behind this interface a model may
// take one request after the other, or many in the same steps.

import type { Likelihood } from '../model/generation/likelihoods.ts';
import type { GenerateOptions } from '../model/generation/options.ts';

/** A sequence to generate. */
export interface SequenceRequest {
  /** Who asks: those who wait take turns, whatever each of them has waiting. */
  readonly client: string;
  /** The prompt of a language model, or what an encoder–decoder reads. */
  readonly inputIds: readonly number[];
  /** As `generate` takes them, for one sequence without beams. */
  readonly options: Omit<GenerateOptions, 'signal' | 'edit' | 'numBeams' | 'numReturnSequences'>;
  /** With each token comes how likely it was, and so many of the likeliest in its place; without, when absent. */
  readonly topLogProbs?: number;
}

/** A token that was generated, and how likely it was where `topLogProbs` asks for it. */
export interface SequenceToken extends Partial<Likelihood> {
  readonly tokenId: number;
}

/** Generates for many callers. */
export interface Scheduler {
  /** Requests that wait, and those that run. */
  readonly load: { readonly waiting: number; readonly running: number };
  /**
   * Takes a request. Its tokens come up to the one that ends it, or as many as its options allow; they are generated
   * whether they are read or not, so that a slow reader holds up nobody. The signal ends it, waiting or running.
   * @throws QueueFull at once, when too many wait
   */
  submit(request: SequenceRequest, signal: AbortSignal): AsyncIterable<SequenceToken>;
  /** Frees what it holds beside the model; nothing may be submitted any more. */
  dispose(): void;
}

/** Too many requests wait. */
export class QueueFull extends Error {
  /** Seconds after which one may have a place. */
  readonly retryAfter: number;

  constructor(retryAfter: number) {
    super('Too many requests are waiting.');
    this.name = 'QueueFull';
    this.retryAfter = retryAfter;
  }
}
