// Streams that their consumer drops without a word: a loop that is never gone on with. They hold a step and
// its cache, which are given back once the garbage collector finds the stream. A net, no more: `break`,
// `return()` and a signal end streams at once.

let registry: FinalizationRegistry<AsyncGenerator> | undefined;

/** The same stream, ended when nobody holds it any more. */
export function endedWhenDropped<T>(
  stream: AsyncGenerator<T, void, undefined>,
): AsyncGenerator<T, void, undefined> {
  registry ??= new FinalizationRegistry(
    (dropped) => void dropped.return(undefined).catch(() => {}),
  );
  const held: AsyncGenerator<T, void, undefined> = {
    next: () => stream.next(),
    return: (value) => stream.return(value),
    throw: (error) => stream.throw(error),
    [Symbol.asyncIterator]: () => held,
    [Symbol.asyncDispose]: async () => void (await stream.return()),
  };
  registry.register(held, stream);
  return held;
}
