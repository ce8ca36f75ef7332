// Patterns that mean the same here as in the Rust library, and the letters of byte-level tokens.

/** What counts as a space in Unicode: with U+0085 and without U+FEFF, unlike `\s` of JavaScript. */
export const space: RegExp = /\p{White_Space}/gu;

/** A pattern whose `\s` and `\S` go by Unicode. */
export function exactPattern({ source, flags }: RegExp): RegExp {
  const exact = source.replaceAll(/\\([^])/g, (escape, letter) =>
    letter === 's' ? '\\p{White_Space}' : letter === 'S' ? '\\P{White_Space}' : escape,
  );
  return new RegExp(exact, flags);
}

/** A text without the spaces in front of it, behind it, or both. */
export function withoutSpaces(text: string, side: 'start' | 'end'): string {
  return text.replace(side === 'start' ? /^\p{White_Space}+/u : /\p{White_Space}+$/u, '');
}

/** The letter of each byte (GPT-2): printable characters themselves, the others from U+0100 on. */
export const byteLetters: readonly string[] = (() => {
  let others = 0;
  return Array.from({ length: 256 }, (_, byte) => {
    const isPrintable = (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
    return String.fromCharCode(isPrintable ? byte : 256 + others++);
  });
})();

const bytesByLetter = new Map(byteLetters.map((letter, byte) => [letter, byte]));

/** The byte of a letter. */
export function byteOf(letter: string): number | undefined {
  return bytesByLetter.get(letter);
}
