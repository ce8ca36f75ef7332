// Scales that are powers of two: "OCP Microscaling Formats (MX) Specification" 1.0, section 5.4.1, E8M0.

/** The power that a byte stands for; 255 is no number. */
export function powerOfTwo(byte: number = 255): number {
  return byte === 255 ? NaN : 2 ** (byte - 127);
}
