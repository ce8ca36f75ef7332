// What both halves of attention's gradient share on GPUs (FlashAttention-2, arXiv 2307.08691, §3.1.2). A
// workgroup of 8 × 8 threads multiplies pieces of 32 × 32 in workgroup memory. Heads are cut into
// CHUNKS pieces of 32 columns. A thread owns rows ty + 8i and columns tx + 8j of a product, i and j
// below 4.

const STRIDE = 33u;  // padded against bank conflicts
const EIGHTS = vec4u(0u, 8u, 16u, 24u);

alias Block = array<vec4f, 4>;  // [i][j]

var<workgroup> left: array<f32, 32u * STRIDE>;
var<workgroup> right: array<f32, 32u * STRIDE>;

// sums + left · rightᵀ
fn plus_product_transposed(sums: Block, tx: u32, ty: u32) -> Block {
  var result = sums;
  for (var c = 0u; c < 32u; c += 1u) {
    let columns = vec4f(
      right[tx * STRIDE + c], right[(tx + 8u) * STRIDE + c],
      right[(tx + 16u) * STRIDE + c], right[(tx + 24u) * STRIDE + c]);
    for (var i = 0u; i < 4u; i += 1u) {
      result[i] += left[(ty + 8u * i) * STRIDE + c] * columns;
    }
  }
  return result;
}

// sums + left · right
fn plus_product(sums: Block, tx: u32, ty: u32) -> Block {
  var result = sums;
  for (var r = 0u; r < 32u; r += 1u) {
    let columns = vec4f(
      right[r * STRIDE + tx], right[r * STRIDE + tx + 8u],
      right[r * STRIDE + tx + 16u], right[r * STRIDE + tx + 24u]);
    for (var i = 0u; i < 4u; i += 1u) {
      result[i] += left[(ty + 8u * i) * STRIDE + r] * columns;
    }
  }
  return result;
}

// Puts a thread's part of one row into `left`.
fn put_left(row: u32, tx: u32, values: vec4f) {
  left[row * STRIDE + tx] = values.x;
  left[row * STRIDE + tx + 8u] = values.y;
  left[row * STRIDE + tx + 16u] = values.z;
  left[row * STRIDE + tx + 24u] = values.w;
}

// Elements of a head; columns past its end are 0.
fn q_at(batch: u32, row: u32, head: u32, column: u32) -> f32 {
  let at = q_index(batch, row, head) + min(column, params.head_size - 1u);
  return select(0.0, q[at], column < params.head_size);
}

fn k_at(batch: u32, key: u32, head: u32, column: u32) -> f32 {
  let at = k_index(batch, key, head) + min(column, params.head_size - 1u);
  return select(0.0, kv[at], column < params.head_size);
}

fn v_at(batch: u32, key: u32, head: u32, column: u32) -> f32 {
  let at = v_index(batch, key, head) + min(column, params.head_size - 1u);
  return select(0.0, kv[at], column < params.head_size);
}

fn dy_at(batch: u32, row: u32, head: u32, column: u32) -> f32 {
  let at = y_index(batch, row, head) + min(column, params.head_size - 1u);
  return select(0.0, dy[at], column < params.head_size);
}
