// For products whose results may be gated: y = activate(x·Wᵍ + biasᵍ) · (x·Wᵘ + biasᵘ), where the
// rows of Wᵀ, twice as many as the columns of y, are those of Wᵍ, then those of Wᵘ. A tile of
// DOTS products is then one of COLUMNS gates, and as many values that they apply to.
const COLUMNS = select(DOTS, DOTS / 2u, GATED);

// The row of Wᵀ (its column, where it is not transposed) behind place j of the tile from `column` on.
fn weight_row(column: u32, j: u32) -> u32 {
  let last = params.columns - 1u;
  if (GATED && j >= COLUMNS) {
    return params.columns + min(column + j - COLUMNS, last);
  }
  return min(column + j, last);
}

// Finishes one gated element; elements past the edge of the matrix are dropped.
fn store_gated(batch: u32, row: u32, column: u32, gate: f32, value: f32) {
  if (row >= params.rows || column >= params.columns) {
    return;
  }
  var sums = vec2f(gate, value);
  if (HAS_BIAS) {
    sums += vec2f(bias[column], bias[params.columns + column]);
  }
  y[y_index(batch, row, column)] = activate(sums.x) * sums.y;
}
