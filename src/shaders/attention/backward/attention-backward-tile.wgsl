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

// What a piece holds.
const QUERIES = 0u;
const KEYS = 1u;
const VALUES = 2u;
const SLOPES = 3u;  // dy

// An element of a head; columns past its end are 0.
fn element_of(kind: u32, batch: u32, row: u32, head: u32, column: u32) -> f32 {
  let c = min(column, params.head_size - 1u);
  var value = 0.0;
  switch kind {
    case QUERIES: { value = q[q_index(batch, row, head) + c]; }
    case KEYS: { value = kv[k_index(batch, row, head) + c]; }
    case VALUES: { value = kv[v_index(batch, row, head) + c]; }
    default: { value = dy[y_index(batch, row, head) + c]; }
  }
  return select(0.0, value, column < params.head_size);
}

// Puts the 32 rows from `row` on into a half of workgroup memory, 32 columns of them.
fn fill_left(kind: u32, batch: u32, head: u32, row: u32, chunk: u32, local: u32) {
  for (var n = local; n < 1024u; n += 64u) {
    left[n / 32u * STRIDE + n % 32u] =
      element_of(kind, batch, row + n / 32u, head, 32u * chunk + n % 32u);
  }
}

fn fill_right(kind: u32, batch: u32, head: u32, row: u32, chunk: u32, local: u32) {
  for (var n = local; n < 1024u; n += 64u) {
    right[n / 32u * STRIDE + n % 32u] =
      element_of(kind, batch, row + n / 32u, head, 32u * chunk + n % 32u);
  }
}

// Of 32 rows of one kind, on the left, and 32 of another: each with each, over all columns.
fn products(
  on_left: u32, on_right: u32, batch: u32, head: u32, row: u32, other: u32, local: u32,
) -> Block {
  var sums = Block();
  for (var chunk = 0u; chunk < CHUNKS; chunk += 1u) {
    fill_left(on_left, batch, head, row, chunk, local);
    fill_right(on_right, batch, head, other, chunk, local);
    workgroupBarrier();
    sums = plus_product_transposed(sums, local % 8u, local / 8u);
    workgroupBarrier();
  }
  return sums;
}
