// Queries and keys of unit length, x / √(Σ x² + eps) for each head; queries have a factor besides.
struct Params {
  rows: u32,       // tokens · 2 · heads
  heads: u32,      // of queries, and of keys
  head_size: u32,
  pitch: u32,      // of a token of x
  eps: f32,
  scale: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // (tokens, pitch): queries, keys, others
@group(0) @binding(2) var<storage, read_write> y: array<f32>;  // (tokens, 2 · heads · head_size)

@compute @workgroup_size(GROUP)
fn unit_heads(
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
  for (var i = lane; i < params.head_size; i += LANES) {
    squares += x[first + i] * x[first + i];
  }
  var factor = inverseSqrt(sum_over_row(squares, lane) + params.eps);
  if (head < params.heads) {
    factor *= params.scale;
  }
  for (var i = lane; i < params.head_size; i += LANES) {
    y[row * params.head_size + i] = factor * x[first + i];
  }
}
