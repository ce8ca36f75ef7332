// Rotary frequencies as the kernel of heads takes them.

/**
 * Frequencies in radians a position as the kernel takes them: turns a position, as fractions of 64
 * bits, high word first. They are rounded to f32 before, as they were where models were trained.
 */
export function rotaryTurns(frequencies: readonly number[]): Uint32Array<ArrayBuffer> {
  return Uint32Array.from(
    frequencies.flatMap((frequency) => {
      const high = ((Math.fround(frequency) / (2 * Math.PI)) % 1) * 2 ** 32;
      return [high, (high % 1) * 2 ** 32];
    }),
  );
}
