// The gradient of a norm that gates follow, see gated-norm: with n = x · r, r = 1 / root mean square,
// s = silu(z), and g = dy · w · s, dx = r · (g - n · mean(g · n)), dz = dy · w · n · s′, and dn = dy · n · s,
// whose sums are dweight. A row is a head of a token.
struct Params {
  rows: u32,     // tokens · heads
  heads: u32,
  columns: u32,  // of a head
  pitch: u32,    // of a token of z
  column: u32,   // of z, where its gates begin
  eps: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;         // (tokens, heads, columns)
@group(0) @binding(2) var<storage, read> z: array<f32>;         // (tokens, pitch)
@group(0) @binding(3) var<storage, read> weight: array<f32>;    // (columns)
@group(0) @binding(4) var<storage, read> dy: array<f32>;        // (tokens, heads, columns)
@group(0) @binding(5) var<storage, read_write> dx: array<f32>;  // (tokens, heads, columns)
@group(0) @binding(6) var<storage, read_write> dz: array<f32>;  // (tokens, pitch)
@group(0) @binding(7) var<storage, read_write> dn: array<f32>;  // (tokens, heads, columns)

// The argument of exp is clamped: WGSL may assume that no infinity occurs.
fn opening(gate: f32) -> f32 {
  return 1.0 / (1.0 + exp(min(-gate, 87.0)));
}

@compute @workgroup_size(GROUP)
fn gated_norm_backward(
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
  let gates = row / params.heads * params.pitch + params.column + row % params.heads * params.columns;
  var squares = 0.0;
  var products = 0.0;
  for (var i = lane; i < params.columns; i += LANES) {
    let gate = z[gates + i];
    squares += x[first + i] * x[first + i];
    products += dy[first + i] * weight[i] * gate * opening(gate) * x[first + i];
  }
  let size = f32(params.columns);
  let r = inverseSqrt(sum_over_row(squares, lane) / size + params.eps);
  let mean = r * sum_over_row(products, lane) / size;
  for (var i = lane; i < params.columns; i += LANES) {
    let gate = z[gates + i];
    // 1 - sigmoid(z) is taken as sigmoid(-z): the difference would cancel where z is large.
    let open = opening(gate);
    let n = x[first + i] * r;
    dx[first + i] = r * (dy[first + i] * weight[i] * gate * open - n * mean);
    dz[gates + i] = dy[first + i] * weight[i] * n * open * (1.0 + gate * opening(-gate));
    dn[first + i] = dy[first + i] * n * gate * open;
  }
}
