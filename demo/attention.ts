// Attention as the page shows it: weights with the tokens of both sides.

/** Attention of one translation. `layers[l].data` is (1, heads, rows, columns). */
export interface Attention {
  readonly layers: readonly { readonly data: Float32Array; readonly shape: readonly number[] }[];
  /** The tokens that look: one row each. */
  readonly rows: readonly string[];
  /** The tokens they look at. */
  readonly columns: readonly string[];
  /** What all of it, a row and a column are called. */
  readonly names: { readonly map: string; readonly row: string; readonly column: string };
}

/** Where the decoder looks in the source while it chooses each token of the target. */
export function crossAttention(
  layers: Attention['layers'],
  source: readonly string[],
  target: readonly string[],
): Attention {
  const names = { map: 'Cross-attention', row: 'target', column: 'source' };
  return { layers, rows: target, columns: source, names };
}

/** Where each token of the source looks in the source. */
export function encoderAttention(
  layers: Attention['layers'],
  source: readonly string[],
): Attention {
  const names = { map: 'Encoder self-attention', row: 'source', column: 'source' };
  return { layers, rows: source, columns: source, names };
}
