// Generation, the same for every decoder: greedy search, sampling and beam search. Steps are submitted
// ahead of the answers, since each feeds on the choice of the one before without a round trip.

import { checkFlags, fieldsOf, throwIfAborted, TransformerError } from '../../runtime/errors.ts';
import type { GenerateCall, GenerateOutputOptions, GenerateResult, ModelInputs } from '../model.ts';
import { PlanCache } from '../plan-cache.ts';
import type { AskEnds } from './beam-search.ts';
import { endedWhenDropped } from './abandoned.ts';
import type { CallBatch } from './batch/batch.ts';
import type { BatchOptions } from './batch/batch-options.ts';
import { DecodeStep, type StepResult } from './decode-step.ts';
import { editedRequest } from './edited-call.ts';
import { asked, Growth } from './growth.ts';
import type { GenerateOptions } from './options.ts';
import { Pace, stepsAhead, timed } from './pace.ts';
import { beginningOf, type Call, type Prompt, promptsOf } from './prompt.ts';
import { type DecodingModel, joined, type Request, requestOf } from './request.ts';
import type { SpeechRules } from './selection.ts';

/** Steps that are kept; each holds a cache. */
const idleSteps = 4;

type StreamedTokens = AsyncGenerator<{ tokenIds: number[] }, void, undefined>;

export class Generation {
  readonly #model: DecodingModel;
  readonly #steps = new PlanCache<DecodeStep>(idleSteps);
  readonly #batches = new WeakMap<BatchOptions, Promise<CallBatch | undefined>>();

  constructor(model: DecodingModel) {
    this.#model = model;
  }

  /** What a call's inputs begin with. Errors: INPUT_INVALID, OPTION_INVALID, MODEL_UNSUPPORTED. */
  read(inputs: ModelInputs, options: GenerateOptions): Prompt {
    fieldsOf(options, 'The object of options');
    return this.#model.read(inputs, options);
  }

  /** Generates whole sequences. Errors: OPTION_*, ABORTED, DISPOSED. */
  async generate(
    prompt: Prompt,
    given: GenerateOptions & GenerateOutputOptions = {},
  ): Promise<GenerateResult> {
    checkFlags(given, 'hiddenStates', 'attentions', 'logProbs');
    const { hiddenStates = false, attentions = false, logProbs = false, ...others } = given;
    const { capture, ...options } = others;
    const reads = capture !== undefined && { capture };
    const call = { prompt, options, ...(logProbs && { speech: { weighs: true } }) };
    const request = await editedRequest(call, this.#model, { ...reads });
    if (logProbs && request.values.numBeams > 1) {
      throw new TransformerError(
        'OPTION_INVALID',
        `logProbs are of tokens chosen one by one, and numBeams is ${request.values.numBeams}. Pass numBeams: 1.`,
      );
    }
    const result = await this.#alone(request);
    if (!hiddenStates && !attentions && !reads) return result;
    const { outputsOf } = await import('./outputs.ts');
    const shown = { hiddenStates, attentions, ...reads };
    return { ...result, ...(await outputsOf(this.#model, request, result.sequences, shown)) };
  }

  /**
   * Generates for several calls in the same steps, whatever their lengths and options; what each gets is
   * what it would get alone. Beams step alone, and so do calls with edits. Errors: as above.
   */
  async generateTogether(calls: readonly GenerateCall[]): Promise<GenerateResult[]> {
    const requests = await Promise.all(
      promptsOf(calls, this.#model.read).map((call) => editedRequest(call, this.#model)),
    );
    const size = requests.find(({ prompt }) => prompt.source)?.prompt.source?.size?.join();
    const mayJoin = ({ values, prompt, look }: Request): boolean =>
      values.numBeams === 1 &&
      look === undefined &&
      this.#model.steadyLength === Infinity &&
      prompt.source?.size?.join() === size;
    const together = await this.#together(requests.filter(mayJoin));
    const results: GenerateResult[] = [];
    for (const request of requests) {
      const own = mayJoin(request) ? together.shift() : undefined;
      results.push(own ?? (await this.#alone(request)));
    }
    return results;
  }

  /** For calls that join and leave while others run; one for an object of options. Errors: OPTION_INVALID. */
  async batch(options: BatchOptions): Promise<CallBatch | undefined> {
    const { Batch: Running } = await import('./batch/batch.ts');
    const known = this.#batches.get(options);
    if (known !== undefined) return known;
    const made = Running.create(this.#model, options);
    this.#batches.set(options, made);
    // One that there was no room for is tried again.
    made.catch(() => this.#batches.delete(options));
    return made;
  }

  /** Generates token by token: one a row, the padding token for those that have ended. */
  stream(prompt: Prompt, options: GenerateOptions = {}, speech?: SpeechRules): StreamedTokens {
    return endedWhenDropped(this.#stream({ prompt, options, speech }));
  }

  async *#stream(call: Call): StreamedTokens {
    const request = await editedRequest(call, this.#model);
    const { numBeams } = request.values;
    if (numBeams > 1) {
      throw new TransformerError(
        'OPTION_INVALID',
        `numBeams is ${numBeams}, but beam search knows no token before its end. ` +
          'Stream with numBeams: 1, or call generate.',
      );
    }
    for await (const [tokenIds = []] of this.#decode([request])) yield { tokenIds };
  }

  dispose(): void {
    this.#steps.dispose();
  }

  /** Takes a step for these requests, which goes back for reuse at the end. */
  async #take(requests: readonly Request[]): Promise<{ step: DecodeStep; release: () => void }> {
    const { shape, selection, listed } = joined(requests, this.#model.maxPositions);
    const look = requests[0]?.look;
    const changed = look?.edits.map(({ value }) => value.each && value.shape);
    const key = JSON.stringify([shape, selection, listed, look?.key, changed]);
    const { item, release } = await this.#steps.take(key, async () => {
      const session = await this.#model.createSession(shape, look);
      return DecodeStep.create(this.#model.scope, session, selection, listed);
    });
    return { step: item, release };
  }

  /** Plays steps for these requests, some ahead of the answers, and yields what each brings back. */
  async *#play(
    step: DecodeStep,
    requests: readonly Request[],
    ask?: AskEnds,
  ): AsyncGenerator<StepResult, void, undefined> {
    const aborted = (): void => {
      for (const { options } of requests) throwIfAborted(options.signal);
    };
    const beginning = {
      ...beginningOf(
        requests.map(({ prompt }) => prompt),
        requests.map(({ copies }) => copies),
      ),
      look: requests[0]?.look,
    };
    let [longest, count] = [0, 0];
    for (const { values, prompt } of requests) {
      longest = Math.max(longest, prompt.tokens.length);
      count = Math.max(count, values.maxLength - prompt.tokens.length);
    }
    const chosen = requests.map(({ rows, data }) => ({ rows, data }));
    const { gpu, steadyLength } = this.#model;
    const pace = new Pace({
      tier: gpu.tier,
      isSingle: steadyLength < Infinity || requests.some(({ values }) => values.numBeams > 1),
      mayEnd: requests.some(
        ({ values, options }) => values.eosTokenId.length > 0 || options.stoppingCriteria,
      ),
    });
    // Beams must not go on before they are asked whether to stop.
    const most = ask === undefined ? stepsAhead[gpu.tier] : 0;
    const underWay: Promise<Iterable<StepResult>>[] = [];
    let [submitted, given] = [0, 0];
    try {
      await step.start(beginning, chosen, aborted);
      while (given < count) {
        aborted();
        while (submitted < count) {
          // A cache that is full grows once its steps are through.
          const length = longest + submitted;
          if (length > step.room && underWay.length > 0) break;
          await step.reserve(length);
          const steps = Math.min(pace.steps(given), count - submitted, step.room - length + 1);
          // Behind several steps wait as many, so that the device goes on while their answer is looked at.
          if (submitted - given > (steps > 1 ? Math.max(most, steps) : most)) break;
          underWay.push(timed(step.play(length, steps, ask), steps, pace));
          submitted += steps;
        }
        for (const one of (await underWay.shift()) ?? []) {
          aborted();
          given++;
          yield one;
        }
      }
    } catch (error) {
      this.#steps.assertUsable();
      throw error;
    } finally {
      // The step may be used again only when its plays are through.
      await Promise.allSettled(underWay);
    }
  }

  /** Greedy search, or sampling: yields for each request the tokens of its sequences, or none at its end. */
  async *#decode(
    requests: readonly Request[],
  ): AsyncGenerator<(number[] | undefined)[], Growth[], undefined> {
    const { step, release } = await this.#take(requests);
    const growing = requests.map((request) => new Growth(request));
    try {
      for await (const { words, logProbs } of this.#play(step, requests)) {
        let first = 0;
        yield growing.map((one) => {
          const range = [first, (first += one.sequences.length)] as const;
          if (one.isComplete) return undefined;
          return one.take(words.subarray(...range), logProbs?.subarray(...range));
        });
        if (growing.every(({ isComplete }) => isComplete)) break;
      }
      return growing;
    } finally {
      if (growing.some(({ hasGrown }) => hasGrown)) {
        step.finish(growing.flatMap(({ sequences }) => sequences));
      }
      release();
    }
  }

  /** What one call gives, with the log-probabilities of its tokens where its rules weigh these. */
  async transcribe(call: Call): Promise<GenerateResult> {
    return this.#alone(requestOf(call, this.#model));
  }

  async #alone(request: Request): Promise<GenerateResult> {
    if (request.values.numBeams > 1) return this.#searchBeams(request);
    const [result] = await this.#together([request]);
    if (result === undefined) throw new RangeError('a call without a result');
    return result;
  }

  async #together(requests: readonly Request[]): Promise<GenerateResult[]> {
    if (requests.length === 0) return [];
    const decoding = this.#decode(requests);
    let next = await decoding.next();
    while (next.done !== true) next = await decoding.next();
    return next.value.map(({ sequences, logProbs }) => ({
      sequences,
      ...(logProbs.some(({ length }) => length > 0) && { logProbs }),
    }));
  }

  async #searchBeams(request: Request): Promise<GenerateResult> {
    const { bestSequences, doneItems, markEnds } = await import('./beam-search.ts');
    const { step, release } = await this.#take([request]);
    try {
      const { values, options, prompt } = request;
      const { numBeams } = values;
      let length = prompt.tokens.length;
      let haveAllEnded = false;
      const ask: AskEnds = (found) => {
        const criteria = (sequences: number[][]): readonly boolean[] => asked(options, sequences);
        haveAllEnded = markEnds(found, numBeams, length, criteria);
      };
      let hypotheses = new Float32Array();
      const isAsked = options.stoppingCriteria !== undefined;
      for await (const { words } of this.#play(step, [request], isAsked ? ask : undefined)) {
        length++;
        hypotheses = new Float32Array(words.buffer);
        if (haveAllEnded || doneItems(hypotheses, numBeams).every(Boolean)) break;
      }
      return bestSequences(hypotheses, await step.readEnded(), values, prompt.tokens.rows);
    } catch (error) {
      this.#steps.assertUsable();
      throw error;
    } finally {
      release();
    }
  }
}
