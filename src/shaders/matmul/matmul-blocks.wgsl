// Blocks of 4 × 4 of W, x and y, for kernels of products where rows and columns are multiples of 4 long.

// W of 4 depths (the columns of the result) and 4 columns, from an element of W on.
fn weight_block(first: u32) -> mat4x4f {
  let block = mat4x4f(
    weight4_at(first), weight4_at(first + params.pitch),
    weight4_at(first + 2u * params.pitch), weight4_at(first + 3u * params.pitch));
  if (TRANSPOSED) {
    return transpose(block);
  }
  return block;
}

// x of 4 rows (the columns of the result) and 4 depths. Rows past the edge repeat the last one.
fn x_block(batch: u32, row: u32, k: u32) -> mat4x4f {
  if (X_TRANSPOSED) {
    let i = ((batch * params.depth + k) * params.x_pitch + min(row, params.rows - 4u)) / 4u;
    let step = params.x_pitch / 4u;
    return transpose(mat4x4f(x[i], x[i + step], x[i + 2u * step], x[i + 3u * step]));
  }
  let last = params.rows - 1u;
  let first = batch * params.rows;
  return mat4x4f(
    x[((first + min(row, last)) * params.x_pitch + k) / 4u],
    x[((first + min(row + 1u, last)) * params.x_pitch + k) / 4u],
    x[((first + min(row + 2u, last)) * params.x_pitch + k) / 4u],
    x[((first + min(row + 3u, last)) * params.x_pitch + k) / 4u]);
}

// Stores the sums of 4 columns of 4 rows; what lies past the edge is dropped.
fn store_block(batch: u32, row: u32, column: u32, sums: mat4x4f) {
  if (column >= params.columns) {
    return;
  }
  let index = y_index(batch, row, column);
  let step = params.y_pitch / 4u;
  if (row < params.rows) {
    y[index] = sums[0];
  }
  if (row + 1u < params.rows) {
    y[index + step] = sums[1];
  }
  if (row + 2u < params.rows) {
    y[index + 2u * step] = sums[2];
  }
  if (row + 3u < params.rows) {
    y[index + 3u * step] = sums[3];
  }
}

// Turns the stored sums of ROWS rows and some columns into results. A loop over memory, which is compiled
// once, where the same for all blocks in registers takes drivers seconds.
fn finish_tile(batch: u32, row: u32, column: u32, columns: u32) {
  let end = min(row + ROWS, params.rows);
  let column_end = min(column + columns, params.columns);
  for (var i = row; i < end; i += 1u) {
    for (var j = column; j < column_end; j += 4u) {
      store(batch, i, j, y[y_index(batch, i, j)]);
    }
  }
}
