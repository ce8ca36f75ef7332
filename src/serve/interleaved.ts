// Several streams as one.

/** An item and the number of the stream that it is of. */
export interface Numbered<Item> {
  readonly index: number;
  readonly item: Item;
}

/** The items of all streams as they come. When one fails, or the reader stops, all end. */
export async function* interleaved<Item>(
  streams: readonly AsyncGenerator<Item, void, undefined>[],
): AsyncGenerator<Numbered<Item>, void, undefined> {
  const next = async (index: number): Promise<{ index: number; result?: IteratorResult<Item> }> => {
    const result = await streams[index]?.next();
    return result === undefined ? { index } : { index, result };
  };
  const pending = new Map(streams.map((_, index) => [index, next(index)]));
  try {
    while (pending.size > 0) {
      const { index, result } = await Promise.race(pending.values());
      if (result === undefined || result.done === true) {
        pending.delete(index);
        continue;
      }
      pending.set(index, next(index));
      yield { index, item: result.value };
    }
  } finally {
    // Not waited for: one that waits for a token ends with the signal of the request.
    const ended = [...pending.values(), ...streams.map((stream) => stream.return())];
    for (const one of ended) one.catch(() => undefined);
  }
}
