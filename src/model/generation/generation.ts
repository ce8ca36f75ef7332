// Generation, the same for every decoder: greedy search, sampling and beam search. Steps are submitted
// ahead of the answers, since each feeds on the choice of the one before without a round trip.

import { throwIfAborted, TransformerError } from '../../runtime/errors.ts';
import { show } from '../../runtime/print.ts';
import type { Gpu, Tier } from '../../runtime/gpu.ts';
import type { AskEnds } from './beam-plan.ts';
import { DecodePlan } from './decode-plan.ts';
import type { DecodePrompt, DecodeSession } from './decoding.ts';
import type { GenerateOptions } from './generation-options.ts';
import { type GenerationValues, generationValues } from './generation-values.ts';
import { bucket, type TokenBatch, withinPositions } from '../inputs/inputs.ts';
import type { JsonObject } from '../../source/json.ts';
import type { GenerateResult } from '../model.ts';
import { PlanCache } from '../plan-cache.ts';
import { type Selection, type SelectionData, selectionOf } from './token-selection.ts';

/** Sizes of a session. Its rows are in groups, one for each of `batch` inputs. */
export interface SessionShape {
  readonly rows: number;
  readonly batch: number;
  /** Tokens that the caches hold at most. */
  readonly capacity: number;
  /** Tokens of each source at most; 0 where there is none. */
  readonly sourceLength: number;
}

/** A model as generation sees it. */
export interface DecodingModel {
  readonly gpu: Gpu;
  readonly config: JsonObject;
  /** The settings of generation in the files: see `generationSettings`. */
  readonly generation: JsonObject;
  /** Size of the vocabulary that tokens are chosen from. */
  readonly vocabulary: number;
  /** Positions of the decoder; infinite where it has no limit. */
  readonly maxPositions: number;
  createSession(shape: SessionShape): Promise<DecodeSession>;
}

/** Plans that are kept; each holds caches. */
const idlePlans = 4;
/** Steps under way besides the one waited for. A step too many is cheap on a GPU only. */
const ahead: Readonly<Record<Tier, number>> = { gpu: 3, software: 1 };

/** A generation, checked: nothing but its prompt stands on the GPU. */
interface Request {
  /** As many rows as the session. */
  readonly prompt: DecodePrompt;
  readonly values: GenerationValues;
  readonly selection: Selection;
  readonly data: SelectionData;
  readonly shape: SessionShape;
  readonly options: GenerateOptions;
}

export class Generation {
  readonly #model: DecodingModel;
  readonly #plans = new PlanCache<DecodePlan>(idlePlans);

  constructor(model: DecodingModel) {
    this.#model = model;
  }

  /** Generates whole sequences. The prompt has a row for each input. Errors: OPTION_*, ABORTED. */
  async generate(prompt: DecodePrompt, options: GenerateOptions = {}): Promise<GenerateResult> {
    const request = this.#request(prompt, options);
    if (request.values.numBeams > 1) {
      return this.#inPlan(request, (plan) => searchBeams(plan, request, this.#model.gpu.tier));
    }
    const sequences = request.prompt.tokens.rows.map((row) => [...row]);
    for await (const { tokenIds } of this.#decode(request)) {
      sequences.forEach((sequence, row) => sequence.push(tokenIds[row] ?? 0));
    }
    return { sequences };
  }

  /** Generates token by token: one a row, the padding token for those that have ended. */
  async *stream(
    prompt: DecodePrompt,
    options: GenerateOptions = {},
  ): AsyncGenerator<{ tokenIds: number[] }, void, undefined> {
    const request = this.#request(prompt, options);
    const { numBeams } = request.values;
    if (numBeams > 1) {
      throw new TransformerError(
        'OPTION_INVALID',
        `numBeams is ${numBeams}, but beam search knows no token before its end. ` +
          'Stream with numBeams: 1, or call generate.',
      );
    }
    yield* this.#decode(request);
  }

  /** Throws DISPOSED after the end. */
  assertUsable(): void {
    this.#plans.assertUsable();
  }

  dispose(): void {
    this.#plans.dispose();
  }

  #request(given: DecodePrompt, options: GenerateOptions): Request {
    const { vocabulary, maxPositions, config, generation } = this.#model;
    const { tokens, source } = given;
    const stated = Number(config['max_position_embeddings'] ?? Infinity);
    const statedPositions = Math.min(maxPositions, stated);
    const bounds = { vocabulary, maxPositions, statedPositions, prompt: tokens.length };
    withinPositions('The prompt', tokens.length, maxPositions);
    const values = generationValues(options, generation, bounds);
    throwIfAborted(options.signal);
    const { numBeams, numReturnSequences, maxLength } = values;
    const { length: listed } = source?.ids ?? tokens;
    const { selection, data } = selectionOf(
      values,
      bounds,
      listed,
      options.stoppingCriteria !== undefined,
    );
    const copies = numBeams > 1 ? numBeams : numReturnSequences;
    const prompt = {
      ...given,
      tokens: repeated(tokens, copies),
      mask: repeated(given.mask, copies),
    };
    const shape: SessionShape = {
      rows: tokens.batch * copies,
      batch: tokens.batch,
      capacity: bucket(maxLength - 1),
      sourceLength: source === undefined ? 0 : bucket(source.ids.length),
    };
    return { prompt, values, selection, data, shape, options };
  }

  /** Works with a plan of its own, which goes back for reuse at the end. */
  async #inPlan<T>(request: Request, work: (plan: DecodePlan) => Promise<T>): Promise<T> {
    const { plan, release } = await this.#take(request);
    try {
      return await work(plan);
    } catch (error) {
      this.#plans.assertUsable();
      throw error;
    } finally {
      release();
    }
  }

  async #take({ shape, selection, prompt }: Request): Promise<{
    plan: DecodePlan;
    release: () => void;
  }> {
    const listed = selection.bySource ? bucket((prompt.source?.ids ?? prompt.tokens).length) : 0;
    const key = JSON.stringify([shape, selection, listed]);
    const { item, release } = await this.#plans.take(key, async () => {
      const session = await this.#model.createSession(shape);
      return DecodePlan.create(this.#model.gpu, session, selection, listed);
    });
    return { plan: item, release };
  }

  /** Greedy search, or sampling. */
  async *#decode(request: Request): AsyncGenerator<{ tokenIds: number[] }, void, undefined> {
    const { plan, release } = await this.#take(request);
    try {
      yield* decode(plan, request, this.#model.gpu.tier);
    } catch (error) {
      this.#plans.assertUsable();
      throw error;
    } finally {
      release();
    }
  }
}

function repeated(batch: TokenBatch, copies: number): TokenBatch {
  const rows = batch.rows.flatMap((row) => Array.from({ length: copies }, () => row));
  return { ...batch, batch: rows.length, rows };
}

/** Plays steps, some ahead of the answers, and yields what each brings back. */
async function* playSteps(
  plan: DecodePlan,
  { prompt, data, values, options }: Request,
  tier: Tier,
  ask?: AskEnds,
): AsyncGenerator<ArrayBuffer, void, undefined> {
  const { signal } = options;
  const steps = values.maxLength - prompt.tokens.length;
  // Beams must not go on before they are asked whether to stop.
  const most = ask === undefined ? ahead[tier] : 0;
  const underWay: Promise<ArrayBuffer>[] = [];
  let submitted = 0;
  try {
    await plan.start(prompt, data);
    for (let step = 0; step < steps; step++) {
      throwIfAborted(signal);
      for (; submitted < Math.min(steps, step + 1 + most); submitted++) {
        const one = plan.play(prompt.tokens.length + submitted, ask);
        one.catch(() => {}); // steps that nobody waits for any more may fail in peace
        underWay.push(one);
      }
      const bytes = await underWay.shift();
      throwIfAborted(signal);
      if (bytes !== undefined) yield bytes;
    }
  } finally {
    // The plan may be used again only when its steps are through.
    await Promise.allSettled(underWay);
  }
}

/** Yields each step's tokens, one a row; rows that have ended get the padding token. */
async function* decode(
  plan: DecodePlan,
  request: Request,
  tier: Tier,
): AsyncGenerator<{ tokenIds: number[] }, void, undefined> {
  const { prompt, values, options } = request;
  const { eosTokenId, padTokenId } = values;
  const ended = prompt.tokens.rows.map(() => false);
  const sequences = prompt.tokens.rows.map((row) => [...row]);
  try {
    for await (const bytes of playSteps(plan, request, tier)) {
      const tokenIds = Array.from(new Uint32Array(bytes), (token, row) =>
        ended[row] === true ? padTokenId : token,
      );
      tokenIds.forEach((token, row) => {
        sequences[row]?.push(token);
        if (eosTokenId.includes(token)) ended[row] = true;
      });
      asked(options, sequences).forEach((ends, row) => {
        if (ends) ended[row] = true;
      });
      yield { tokenIds };
      if (ended.every(Boolean)) return;
    }
  } finally {
    if ((sequences[0]?.length ?? 0) > prompt.tokens.length) plan.finish(sequences);
  }
}

async function searchBeams(
  plan: DecodePlan,
  request: Request,
  tier: Tier,
): Promise<GenerateResult> {
  const { bestSequences, doneItems, markEnds } = await import('./beam-search.ts');
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
  for await (const bytes of playSteps(plan, request, tier, isAsked ? ask : undefined)) {
    length++;
    hypotheses = new Float32Array(bytes);
    if (haveAllEnded || doneItems(hypotheses, numBeams).every(Boolean)) break;
  }
  const items = prompt.tokens.rows.filter((_, row) => row % numBeams === 0);
  return bestSequences(hypotheses, await plan.readEnded(), values, items);
}

/** What the caller's criteria say of each sequence; that it goes on where there are none. */
function asked({ stoppingCriteria }: GenerateOptions, sequences: number[][]): readonly boolean[] {
  if (stoppingCriteria === undefined) return sequences.map(() => false);
  const answers: unknown = stoppingCriteria(sequences.map((sequence) => [...sequence]));
  if (
    Array.isArray(answers) &&
    answers.length === sequences.length &&
    answers.every((answer) => typeof answer === 'boolean')
  ) {
    return answers;
  }
  throw new TransformerError(
    'OPTION_INVALID',
    `stoppingCriteria returned ${answers === undefined ? 'nothing' : show(answers)}; wanted ` +
      `${sequences.length} booleans, one for each sequence.`,
  );
}
