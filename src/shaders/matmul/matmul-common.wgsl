// Shared by all matmul kernels: y = activate(x·W + bias) + residual for each batch.
// W is (depth, columns), or (columns, depth) when TRANSPOSED. `pitch` is its row length in memory;
// `weight_stride` leads from one batch's W to the next one's, 0 when they share it; `x_pitch` and
// `y_pitch` lead from one row in memory to the next: longer ones where columns of a larger matrix count.
// x is (depth, rows) in memory when X_TRANSPOSED, a switch of some of them.
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
@group(0) @binding(2) var<storage, read> x: array<f32>;         // (batches, rows, depth)
@group(0) @binding(3) var<storage, read> bias: array<f32>;      // (columns)
@group(0) @binding(4) var<storage, read> residual: array<f32>;  // (batches, rows, columns)
@group(0) @binding(5) var<storage, read_write> y: array<f32>;   // (batches, rows, columns)

// Four neighbours of x.
fn x4_at(i: u32) -> vec4f {
  return vec4f(x[i], x[i + 1u], x[i + 2u], x[i + 3u]);
}

// Finishes one element; elements past the edge of the matrix are dropped.
fn store(batch: u32, row: u32, column: u32, sum: f32) {
  if (row >= params.rows || column >= params.columns) {
    return;
  }
  let index = (batch * params.rows + row) * params.y_pitch + column;
  var value = sum;
  if (HAS_BIAS) {
    value += bias[column];
  }
  value = activate(value);
  if (HAS_RESIDUAL) {
    value += residual[index];
  }
  y[index] = value;
}
