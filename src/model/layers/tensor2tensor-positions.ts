// Positions as Tensor2Tensor has them (Vaswani et al., 2018, arXiv 1803.07416), which Whisper and TrOCR have, too.

/**
 * Departs from §3.5 of "Attention Is All You Need": sines, then cosines, of wavelengths from 2π up to 10000 · 2π, both
 * included; the last column of an odd width is 0. Returns (positions, d_model), row after row.
 */
export function tensor2tensorPositions(
  positions: number,
  dModel: number,
): Float32Array<ArrayBuffer> {
  const half = Math.floor(dModel / 2);
  return Float32Array.from({ length: positions * dModel }, (_, i) => {
    const [position, column] = [Math.floor(i / dModel), i % dModel];
    if (column === 2 * half) return 0;
    const angle = position * 10000 ** -((column % half) / (half - 1));
    return column < half ? Math.sin(angle) : Math.cos(angle);
  });
}
