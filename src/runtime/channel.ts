// A queue between one who writes and one who reads, of whom neither waits for the other.

/** Items in the order they were pushed. It is read once. */
export class Channel<Item> implements AsyncIterable<Item> {
  readonly #items: Item[] = [];
  #ended = false;
  #failed: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;

  push(item: Item): void {
    this.#items.push(item);
    this.#wake?.();
  }

  /** No more items come. */
  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  /** No more items come, and the reader is told why once it has those that came. */
  fail(error: unknown): void {
    this.#failed = { error };
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Item, void, undefined> {
    for (;;) {
      yield* this.#items.splice(0);
      if (this.#items.length > 0) continue;
      if (this.#failed !== undefined) throw this.#failed.error;
      if (this.#ended) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
