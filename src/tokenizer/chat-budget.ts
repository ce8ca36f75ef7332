// What a chat template may take: steps, levels, and lengths of what it writes. A template is a program
// from a file; without bounds a loop over range(1000000000) or a text that doubles in each turn would
// hang the page or fill its memory.

import type { Environment } from '@huggingface/jinja';

type Value = ReturnType<Environment['lookupVariable']>;

/**
 * Templates take some thousand steps, some ten for each value of a conversation and of its tools, and a few
 * for what lies in a text. Some look through all messages from each of them. A step takes a few microseconds.
 */
const steps = { any: 30_000, perValue: 150, perText: 16, perPair: 16, ofPairs: 1_500_000 };

/** Levels of statements, expressions and macros within each other. */
const mostLevels = 800;

/** Characters of one text at most. */
const mostCharacters = 2 ** 25;

/** Characters that are worked through in one step; an item of a list counts as sixteen. */
const charactersPerStep = 64;

/** Items of a range that are made in one step. */
const rangePerStep = 2;

/** As the sandbox has it in which transformers runs templates. */
const longestRange = 100_000;

/** A template was stopped. The message says of what it took too much. */
export class OverBudget extends Error {}

export class Budget {
  #left: number = steps.any;
  #levels = 0;
  #all: number = steps.any;

  /** `messages` is the number of messages of the conversation. */
  constructor(messages: number) {
    this.#grant(Math.min(steps.perPair * messages * messages, steps.ofPairs));
  }

  /** Grants steps for what a template is given: each value in it, and each piece of a text. */
  give(value: Value): void {
    const open = [value];
    for (let one = open.pop(); one !== undefined; one = open.pop()) {
      this.#grant(steps.perValue);
      if (typeof one.value === 'string') {
        this.#grant((steps.perText * one.value.length) / charactersPerStep);
      }
      for (const item of itemsWithin(one)) open.push(item);
    }
  }

  #grant(count: number): void {
    this.#all += count;
    this.#left += count;
  }

  /** Takes steps. Errors: OverBudget. */
  spend(count: number): void {
    this.#left -= count;
    if (!(this.#left >= 0)) throw new OverBudget(`takes more than ${Math.ceil(this.#all)} steps`);
  }

  /** Does something one level deeper. */
  within<Result>(work: () => Result): Result {
    if (this.#levels >= mostLevels) {
      throw new OverBudget(`has more than ${mostLevels} levels within each other`);
    }
    this.#levels++;
    try {
      return work();
    } finally {
      this.#levels--;
    }
  }

  /** Checks a range, and takes its steps, before it is made. */
  range(length: number): void {
    if (!(length <= longestRange)) {
      throw new OverBudget(`has a range of more than ${longestRange} numbers`);
    }
    this.spend(length / rangePerStep);
  }

  /** Checks a text before something is made of it. */
  write(characters: number): void {
    if (characters <= mostCharacters) return;
    throw new OverBudget(`writes a text of more than ${mostCharacters} characters`);
  }

  /**
   * Takes the steps of work on a text, or on the items of a list, `times` over; `deep` on all that
   * lies in it. Where lists share items, what is written of them is as long as if they did not.
   */
  work(value: Value, times = 1, deep = false): void {
    const open = [value];
    for (let one = open.pop(); one !== undefined; one = open.pop()) {
      this.spend((times * size(one)) / charactersPerStep);
      if (!deep) return;
      this.spend(1);
      for (const item of itemsWithin(one)) open.push(item);
    }
  }

  /** Takes the steps of a method or a filter, some of which write their arguments many times. */
  call(name: string, object: Value, args: readonly Value[]): void {
    if (/^(starts|ends)with$/.test(name)) return;
    const isWriting = /^(join|tojson|replace|indent|string)$/.test(name);
    const times = isWriting ? args.reduce((sum, one) => sum + factor(one), 1) : 1;
    this.work(object, times, name !== 'replace' && isWriting);
    if (name === 'split') this.#parts(object, args[0]);
    // A text may be joined to the parts that are its argument.
    if (name === 'join') for (const one of args) this.work(one, times, true);
  }

  /** A step for each few parts of a text, before they are made. */
  #parts({ value: text }: Value, separator: Value | undefined): void {
    const sign = separator === undefined ? ' ' : separator.value;
    if (typeof text !== 'string' || typeof sign !== 'string') return;
    if (sign === '') {
      this.spend(text.length / 4);
      return;
    }
    for (let at = text.indexOf(sign); at >= 0; at = text.indexOf(sign, at + 1)) this.spend(1 / 4);
  }
}

/** What an argument may multiply the length of a result by. */
function factor(value: Value): number {
  if (typeof value.value === 'number') return Math.abs(value.value);
  let sum = size(value);
  for (const item of itemsWithin(value)) sum += size(item);
  return sum;
}

function size({ value }: Value): number {
  if (typeof value === 'string') return value.length;
  if (Array.isArray(value)) return 16 * value.length;
  return value instanceof Map ? 16 * value.size : 1;
}

function itemsWithin({ value }: Value): Iterable<Value> {
  const inner: unknown = value;
  if (Array.isArray(inner)) return inner as Value[];
  return inner instanceof Map ? (inner as Map<string, Value>).values() : [];
}
