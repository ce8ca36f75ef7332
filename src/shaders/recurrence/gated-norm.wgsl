// RMS norm of each head, weighed and gated: y = w · x / √(mean x² + eps) · silu(z).
struct Params {
  rows: u32,     // tokens · heads
  heads: u32,
  columns: u32,  // of a head
  pitch: u32,    // of a token of z
  column: u32,   // of z, where its gates begin
  eps: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // (tokens, heads, columns)
@group(0) @binding(2) var<storage, read> z: array<f32>;        // (tokens, pitch)
@group(0) @binding(3) var<storage, read> weight: array<f32>;   // (columns)
@group(0) @binding(4) var<storage, read_write> y: array<f32>;  // (tokens, heads, columns)

@compute @workgroup_size(GROUP)
fn gated_norm(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let lane = local % LANES;
  let row = row_of(workgroup_index(id, count), local);
  if (row >= params.rows) {
    return;
  }
  let first = row * params.columns;
  var squares = 0.0;
  for (var i = lane; i < params.columns; i += LANES) {
    squares += x[first + i] * x[first + i];
  }
  let factor = inverseSqrt(sum_over_row(squares, lane) / f32(params.columns) + params.eps);
  let gates = row / params.heads * params.pitch + params.column + row % params.heads * params.columns;
  for (var i = lane; i < params.columns; i += LANES) {
    let gate = z[gates + i];
    // The argument of exp is clamped: WGSL may assume that no infinity occurs.
    y[first + i] = weight[i] * factor * x[first + i] * gate / (1.0 + exp(min(-gate, 87.0)));
  }
}
