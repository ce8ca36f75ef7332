// Rows of unlike lengths as one batch.

/** Rows as long as the longest of them, `least` at least, with `value` behind what they have. */
export function filledRows(
  rows: readonly (readonly number[])[],
  value: number,
  least: number = 0,
): number[][] {
  const length = rows.reduce((most, row) => Math.max(most, row.length), least);
  return rows.map((row) => [...row, ...Array<number>(length - row.length).fill(value)]);
}

/** What counts of them: 1, and 0 behind. */
export function maskOfRows(rows: readonly (readonly number[])[], least: number = 0): number[][] {
  return filledRows(
    rows.map((row) => row.map(() => 1)),
    0,
    least,
  );
}
