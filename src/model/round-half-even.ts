// Python's `round`, by which Hugging Face's processors and pipelines get whole pixels and samples.

/** The nearest whole number; halves go to the even neighbour. */
export function roundHalfEven(x: number): number {
  const below = Math.floor(x);
  return x - below === 0.5 ? below + (below % 2) : Math.round(x);
}
