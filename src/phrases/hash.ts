// A hash, to draw by number instead of in a row, and to split meanings the same way everywhere.

/**
 * A number of 32 bits in which each bit hangs on every bit of `words` (whole numbers, of which the
 * lower 32 bits count) and on their order: after each word the finalizer of MurmurHash3.
 */
export function hash(words: Iterable<number>): number {
  let state = 0x9e3779b9;
  for (const word of words) {
    state ^= word;
    state = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
    state ^= state >>> 16;
  }
  return state >>> 0;
}
