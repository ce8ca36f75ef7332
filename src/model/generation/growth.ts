// The sequences of a call as they grow, token by token.

import { TransformerError } from '../../runtime/errors.ts';
import { isListOf } from '../../runtime/lists.ts';
import { show } from '../../runtime/print.ts';
import type { GenerateOptions } from './options.ts';
import type { GenerationValues } from './read-options.ts';
import type { Request } from './request.ts';

export class Growth {
  /** The tokens of each sequence, its prompt included. */
  readonly sequences: number[][];
  /** The log-probability of each generated token up to the end of its sequence, where these are wanted. */
  readonly logProbs: number[][];
  readonly #options: GenerateOptions;
  readonly #values: GenerationValues;
  readonly #start: number;
  readonly #ended: boolean[];

  /** Begins with `copies` sequences for each input of the prompt. */
  constructor({ prompt, options, values, copies }: Request) {
    this.sequences = prompt.tokens.rows.flatMap((row) =>
      Array.from({ length: copies }, () => [...row]),
    );
    this.logProbs = this.sequences.map(() => []);
    this.#options = options;
    this.#values = values;
    this.#start = prompt.tokens.length;
    this.#ended = this.sequences.map(() => false);
  }

  get #length(): number {
    return this.sequences[0]?.length ?? 0;
  }

  get hasGrown(): boolean {
    return this.#length > this.#start;
  }

  /** Whether every sequence has ended, or has as many tokens as were asked for. */
  get isComplete(): boolean {
    return this.#length >= this.#values.maxLength || this.#ended.every(Boolean);
  }

  /** Takes a step's token of each sequence. Result: these, padding for those that had ended. */
  take(chosen: Uint32Array, logProbs?: Float32Array): number[] {
    const { eosTokenId, padTokenId } = this.#values;
    this.logProbs.forEach((own, row) => {
      const logProb = this.#ended[row] === true ? undefined : logProbs?.[row];
      if (logProb !== undefined) own.push(logProb);
    });
    const tokens = Array.from(chosen, (token, row) =>
      this.#ended[row] === true ? padTokenId : token,
    );
    tokens.forEach((token, row) => {
      this.sequences[row]?.push(token);
      if (eosTokenId.includes(token)) this.#ended[row] = true;
    });
    asked(this.#options, this.sequences).forEach((ends, row) => {
      if (ends) this.#ended[row] = true;
    });
    return tokens;
  }
}

/** What the caller's criteria say of each sequence; that it goes on where there are none. */
export function asked(
  { stoppingCriteria }: GenerateOptions,
  sequences: number[][],
): readonly boolean[] {
  if (stoppingCriteria === undefined) return sequences.map(() => false);
  const answers: unknown = stoppingCriteria(sequences.map((sequence) => [...sequence]));
  const isAnswer = (answer: unknown): answer is boolean => typeof answer === 'boolean';
  if (isListOf(answers, isAnswer) && answers.length === sequences.length) return answers;
  throw new TransformerError(
    'OPTION_INVALID',
    `stoppingCriteria returned ${answers === undefined ? 'nothing' : show(answers)}; wanted ` +
      `${sequences.length} booleans, one for each sequence.`,
  );
}
