// Who has which slots and states of a cache that many sequences share.

/** Tokens of a block. */
const blockSize = 16;

/** Blocks that so many tokens take. */
export function blocksFor(tokens: number): number {
  return Math.ceil(tokens / blockSize);
}

/**
 * The slots of a cache in blocks, which sequences take as they grow: PagedAttention (Kwon et al. 2023,
 * arXiv 2309.06180, §4.2). What a sequence may come to need is promised to it first, so that none stands still for want
 * of a block; the lowest free ones go first, so that a cache has memory for little more than what is in it.
 */
export class SlotPool {
  /** 1 for blocks that somebody has. */
  readonly #taken: Uint8Array;
  #promised = 0;

  /** Room for so many tokens, or somewhat more. */
  constructor(tokens: number) {
    this.#taken = new Uint8Array(blocksFor(tokens));
  }

  /** Blocks that there are. */
  get size(): number {
    return this.#taken.length;
  }

  /** Slots that there are. */
  get slots(): number {
    return this.size * blockSize;
  }

  /** Promises so many blocks; false while others have the promise of too many. */
  promise(blocks: number): boolean {
    if (this.#promised + blocks > this.size) return false;
    this.#promised += blocks;
    return true;
  }

  /** Slots of so many of the blocks that were promised, in their order. */
  take(blocks: number): number[] {
    const slots: number[] = [];
    for (let block = 0; slots.length < blocks * blockSize; block++) {
      if (block >= this.size) throw new RangeError('more blocks were taken than promised');
      if (this.#taken[block] === 1) continue;
      this.#taken[block] = 1;
      for (let at = 0; at < blockSize; at++) slots.push(block * blockSize + at);
    }
    return slots;
  }

  /** Gives back what was taken of a promise, and the promise. */
  give(slots: readonly number[], promised: number): void {
    for (const slot of slots) this.#taken[Math.floor(slot / blockSize)] = 0;
    this.#promised -= promised;
  }
}

/** What sequences that share a cache take of it. */
export class SharedPool {
  /** Slots of tokens, and of what an encoder read. */
  readonly tokens: SlotPool;
  readonly sources: SlotPool;
  readonly #states = new Set<number>();

  constructor(tokens: number, sources: number) {
    this.tokens = new SlotPool(tokens);
    this.sources = new SlotPool(sources);
  }

  /** Promises so many blocks of each; false while others have the promise of too many. */
  promise(wanted: SharedBlocks): boolean {
    if (!this.tokens.promise(wanted.tokens)) return false;
    if (this.sources.promise(wanted.sources)) return true;
    this.tokens.give([], wanted.tokens);
    return false;
  }

  /** So many rows for states, the lowest that nobody has: whatever is there, a sequence begins without. */
  takeStates(count: number): number[] {
    const states: number[] = [];
    for (let state = 0; states.length < count; state++) {
      if (this.#states.has(state)) continue;
      this.#states.add(state);
      states.push(state);
    }
    return states;
  }

  giveStates(states: readonly number[]): void {
    for (const state of states) this.#states.delete(state);
  }
}

/** Blocks of tokens, and of what an encoder read. */
export interface SharedBlocks {
  readonly tokens: number;
  readonly sources: number;
}
