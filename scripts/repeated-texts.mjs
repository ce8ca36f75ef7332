// Texts that say the same again and again, from which heads learn to look for what came behind a word the last time:
// "induction heads" (Olsson et al. 2022, arXiv 2209.11895), which a million tokens of novels alone do not make.

/** Words of a text, about as many as a row has tokens. */
const size = 190;

/**
 * As many texts as `count`, each of one passage over and over: every other one out of the texts, the others of words
 * drawn from all of them, which nothing but what came before foretells.
 * @param {readonly string[]} texts
 * @param {number} count
 */
export function repeatedTexts(texts, count) {
  const draw = drawing(1);
  const words = texts.map((text) => text.split(/\s+/));
  const all = words.flat();
  return Array.from({ length: count }, (_, i) => {
    const length = 10 + draw(50);
    const passage =
      i % 2 === 0 ? passageOf(words[draw(words.length)] ?? [], length) : drawn(length);
    const once = passage.join(' ');
    return Array.from({ length: Math.ceil(size / passage.length) }, () => once).join(' ');
  });

  /** @param {readonly string[]} text @param {number} length */
  function passageOf(text, length) {
    const first = draw(Math.max(1, text.length - length));
    return text.slice(first, first + length);
  }

  /** @param {number} length */
  function drawn(length) {
    return Array.from({ length }, () => all[draw(all.length)] ?? '');
  }
}

/**
 * Whole numbers below a bound: "mulberry32" (Ettinger, 2017).
 * @param {number} seed
 */
export function drawing(seed) {
  let state = seed;
  /** @param {number} bound */
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * bound);
  };
}
