// Moves through the cells of a grid by keys, as in a table.

export interface GridCell {
  readonly row: number;
  readonly column: number;
}

/** The cell that a key leads to; undefined for other keys. `last`: the one at the end of the last row. */
export function cellByKey(
  { key, ctrlKey }: Pick<KeyboardEvent, 'key' | 'ctrlKey'>,
  { row, column }: GridCell,
  last: GridCell,
): GridCell | undefined {
  const moves: Readonly<Record<string, GridCell>> = {
    ArrowUp: { row: Math.max(row - 1, 0), column },
    ArrowDown: { row: Math.min(row + 1, last.row), column },
    ArrowLeft: { row, column: Math.max(column - 1, 0) },
    ArrowRight: { row, column: Math.min(column + 1, last.column) },
    Home: { row: ctrlKey ? 0 : row, column: 0 },
    End: { row: ctrlKey ? last.row : row, column: last.column },
  };
  return moves[key];
}
