// Shared by all matmul kernels: y = activate(x·W + bias) + residual for each batch.
// W is (depth, columns), or (columns, depth) when TRANSPOSED. `pitch` is its row length in memory;
// `weight_stride` leads from one batch's W to the next one's, 0 when they share it; `x_pitch` and
// `y_pitch` lead from one row in memory to the next: longer ones where columns of a larger matrix count.
// x, declared beside (matmul-x), is (depth, rows) in memory when X_TRANSPOSED, a switch of some of them.
// Kernels that go by fours bind vectors; `pitch` and the like count numbers all the same.
struct Params {
  batches: u32,
  rows: u32,
  columns: u32,
  depth: u32,
  pitch: u32,
  weight_stride: u32,
  x_pitch: u32,
  y_pitch: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(3) var<storage, read> bias: array<Element>;      // (columns)
@group(0) @binding(4) var<storage, read> residual: array<Element>;  // (batches, rows, columns)
@group(0) @binding(5) var<storage, read_write> y: array<Element>;   // (batches, rows, columns)

fn y_index(batch: u32, row: u32, column: u32) -> u32 {
  return ((batch * params.rows + row) * params.y_pitch + column) / WIDTH;
}

// Finishes one element; elements past the edge of the matrix are dropped.
fn store(batch: u32, row: u32, column: u32, sum: Element) {
  if (row >= params.rows || column >= params.columns) {
    return;
  }
  let index = y_index(batch, row, column);
  var value = sum;
  if (HAS_BIAS) {
    value += bias[column / WIDTH];
  }
  value = activate(value);
  if (HAS_RESIDUAL) {
    value += residual[index];
  }
  y[index] = value;
}
