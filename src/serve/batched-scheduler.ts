// Generation for many callers in the same steps.

import { abortError } from '../runtime/errors.ts';
import type { Model } from '../model/model.ts';
import { Channel } from '../runtime/channel.ts';
import { FairQueue } from './fair-queue.ts';
import type { Limits } from './limits.ts';
import { weighed } from './log-probs.ts';
import { RunningBatch } from './running-batch.ts';
import type { Scheduler, SequenceRequest, SequenceToken } from './scheduler.ts';

/** Has sequences of a model join its running batch, in the turns of a queue. */
export class BatchedScheduler implements Scheduler {
  readonly #model: Model;
  readonly #batch: RunningBatch;
  readonly #queue: FairQueue;

  /** `sequences` run at the same time, and as many as `waiting` may wait. */
  constructor(model: Model, { sequences, waiting }: Pick<Limits, 'sequences' | 'waiting'>) {
    this.#model = model;
    this.#batch = new RunningBatch(model, { maxSequences: sequences });
    this.#queue = new FairQueue(sequences, waiting);
  }

  get load(): Scheduler['load'] {
    return this.#queue.load;
  }

  submit(request: SequenceRequest, signal: AbortSignal): AsyncIterable<SequenceToken> {
    const tokens = new Channel<SequenceToken>();
    const { client } = request;
    this.#queue
      .run(client, signal, async () => {
        for await (const token of this.#generate(request, signal)) tokens.push(token);
      })
      .then(
        () => tokens.end(),
        (error: unknown) => tokens.fail(error),
      );
    return tokens;
  }

  dispose(): void {
    this.#batch.dispose();
  }

  async *#generate(
    { inputIds, options, topLogProbs }: SequenceRequest,
    signal: AbortSignal,
  ): AsyncGenerator<SequenceToken, void, undefined> {
    // Of sequences that run alone it is weighed behind their end.
    const tokenIds: number[] = [];
    const inputs = { inputIds: [inputIds] };
    for await (const { tokenIds: row, likelihoods } of this.#batch.stream(inputs, {
      ...options,
      ...(topLogProbs !== undefined && { topLogProbs }),
      numBeams: 1,
      numReturnSequences: 1,
      signal,
    })) {
      if (signal.aborted) throw abortError(signal);
      const [tokenId = 0] = row;
      if (topLogProbs === undefined) yield { tokenId };
      else if (likelihoods !== undefined) yield { tokenId, ...likelihoods[0] };
      else tokenIds.push(tokenId);
    }
    if (topLogProbs === undefined || tokenIds.length === 0) return;
    const sequence = { inputIds, tokenIds, startId: startOf(this.#model) };
    yield* weighed(this.#model, sequence, topLogProbs, signal);
  }
}

/** What sequences of an encoder–decoder begin with; undefined of a language model. */
function startOf({ config, generationConfig }: Model): number | undefined {
  if (config['is_encoder_decoder'] !== true) return undefined;
  const start = generationConfig['decoder_start_token_id'] ?? config['decoder_start_token_id'];
  return typeof start === 'number' ? start : 0;
}
