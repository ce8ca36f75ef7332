// Work that follows a moving pen: one piece at a time, always the newest, none in a queue.

export class Latest<Item> {
  readonly #work: (item: Item) => Promise<void>;
  #next: { readonly item: Item } | undefined;
  #isBusy = false;

  constructor(work: (item: Item) => Promise<void>) {
    this.#work = work;
  }

  /** Has this item worked on, from the next frame on or when the work under way is done; what waits is dropped. */
  offer(item: Item): void {
    this.#next = { item };
    if (!this.#isBusy) void this.#run();
  }

  /** Drops what waits. */
  drop(): void {
    this.#next = undefined;
  }

  async #run(): Promise<void> {
    this.#isBusy = true;
    try {
      while (this.#next !== undefined) {
        await new Promise(requestAnimationFrame);
        // What waited may have been dropped before the frame came.
        const next = this.#next;
        this.#next = undefined;
        if (next !== undefined) await this.#work(next.item);
      }
    } finally {
      this.#isBusy = false;
    }
  }
}
