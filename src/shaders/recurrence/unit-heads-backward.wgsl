// The gradient of queries and keys of unit length: with u = x · r, r = 1 / √(Σ x² + eps), and the factor s of
// queries, dx = s · r · (dy - u · Σ dy · u). A row is a head of a token.
struct Params {
  rows: u32,       // tokens · 2 · heads
  heads: u32,      // of queries, and of keys
  head_size: u32,
  pitch: u32,      // of a token of x
  eps: f32,
  scale: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;         // (tokens, pitch): queries, keys, others
@group(0) @binding(2) var<storage, read> dy: array<f32>;        // (tokens, 2 · heads · head_size)
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;  // (tokens, pitch)

@compute @workgroup_size(GROUP)
fn unit_heads_backward(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let lane = local % LANES;
  let row = row_of(workgroup_index(id, count), local);
  if (row >= params.rows) {
    return;
  }
  let head = row % (2u * params.heads);
  let first = row / (2u * params.heads) * params.pitch + head * params.head_size;
  var squares = 0.0;
  var products = 0.0;
  for (var i = lane; i < params.head_size; i += LANES) {
    squares += x[first + i] * x[first + i];
    products += x[first + i] * dy[row * params.head_size + i];
  }
  let r = inverseSqrt(sum_over_row(squares, lane) + params.eps);
  let along = r * r * sum_over_row(products, lane);
  let factor = r * select(1.0, params.scale, head < params.heads);
  for (var i = lane; i < params.head_size; i += LANES) {
    dx[first + i] = factor * (dy[row * params.head_size + i] - along * x[first + i]);
  }
}
