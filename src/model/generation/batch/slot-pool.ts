// Who has which slots of a cache that many sequences share.

/** Tokens of a block. */
const blockSize = 16;

/**
 * The slots of a cache in blocks, which sequences take and give back: PagedAttention (Kwon et al. 2023,
 * arXiv 2309.06180, §4.2). The lowest free ones go first, so that a cache that grows stays small.
 */
export class SlotPool {
  /** 1 for blocks that somebody has. */
  readonly #taken: Uint8Array;

  /** Room for so many tokens, or somewhat more. */
  constructor(tokens: number) {
    this.#taken = new Uint8Array(Math.ceil(tokens / blockSize));
  }

  /** Slots that there are. */
  get size(): number {
    return this.#taken.length * blockSize;
  }

  /** Slots for so many tokens at least, in their order; undefined while others have too many. */
  take(tokens: number): number[] | undefined {
    const wanted = Math.ceil(tokens / blockSize);
    const blocks: number[] = [];
    for (let block = 0; block < this.#taken.length && blocks.length < wanted; block++) {
      if (this.#taken[block] === 0) blocks.push(block);
    }
    if (blocks.length < wanted) return undefined;
    for (const block of blocks) this.#taken[block] = 1;
    return blocks.flatMap((block) =>
      Array.from({ length: blockSize }, (_, at) => block * blockSize + at),
    );
  }

  /** Gives back what `take` gave. */
  give(slots: readonly number[]): void {
    for (const slot of slots) this.#taken[Math.floor(slot / blockSize)] = 0;
  }
}
