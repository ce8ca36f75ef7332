// How many steps go to the device at once. A step feeds on the choice of the one before without anybody
// looking, so several need one submission and one answer; but none of them can be called back.

import type { Tier } from '../../runtime/gpu.ts';

/** Steps of a submission at most. */
const mostSteps: Readonly<Record<Tier, number>> = { gpu: 8, software: 4 };
/** The same of any tier: so many tokens are kept for an answer. */
export const stepsAtOnce: number = Math.max(...Object.values(mostSteps));
/** Steps under way besides the one waited for. A step too many is cheap on a GPU only. */
export const stepsAhead: Readonly<Record<Tier, number>> = { gpu: 3, software: 1 };
/**
 * Milliseconds of a submission at most, so that tokens come evenly and an abort is heard soon. Steps that take
 * as long by themselves gain nothing by company.
 */
const longest = 50;
/** A text that has so many times as many tokens as steps at once gains more than its end among them costs. */
const share = 8;

/** What a generation says of itself. */
export interface Pacing {
  readonly tier: Tier;
  /** Whether something is done between the steps. */
  readonly isSingle: boolean;
  /** Whether texts may end before they have all their tokens. */
  readonly mayEnd: boolean;
}

export class Pace {
  readonly #most: number;
  readonly #mayEnd: boolean;
  /** Milliseconds of a step, by the answers so far. */
  #step = Infinity;
  /** When the last answer came. */
  #last = 0;

  constructor({ tier, isSingle, mayEnd }: Pacing) {
    this.#most = isSingle ? 1 : mostSteps[tier];
    this.#mayEnd = mayEnd;
  }

  /** Steps of the next submission, where there are `given` tokens already; nothing is known at first. */
  steps(given: number): number {
    const soon = Math.floor(longest / this.#step);
    const useful = this.#mayEnd ? 1 + Math.floor(given / share) : Infinity;
    return Math.max(1, Math.min(this.#most, soon, useful));
  }

  /** Learns how long steps take, from when a submission was made and when its answer came, in milliseconds. */
  took(steps: number, submitted: number, answered: number): void {
    // The device begins with it when it is through with the one before.
    const step = (answered - Math.max(submitted, this.#last)) / steps;
    // Answers that a busy thread has heard together seem to have taken no time.
    this.#step = this.#step === Infinity ? step : Math.max(step, this.#step / 2);
    this.#last = answered;
  }
}

/** The answer of a submission, which `pace` learns from; one that nobody waits for any more may fail in peace. */
export function timed<T>(answer: Promise<T>, steps: number, pace: Pace): Promise<T> {
  const submitted = performance.now();
  answer.then(
    () => pace.took(steps, submitted, performance.now()),
    () => {},
  );
  return answer;
}
