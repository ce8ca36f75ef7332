// The gradient of heads that gates let through, y = x · sigmoid(gate): dx = dy · sigmoid(gate), and of a gate
// the sum of dy · x over its columns, by the slope of the sigmoid. One invocation a gate.
struct Params {
  size: u32,
  share: u32,    // columns of x that a gate is for
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;             // (tokens, columns)
@group(0) @binding(2) var<storage, read> gate: array<f32>;          // (tokens, columns / share)
@group(0) @binding(3) var<storage, read> dy: array<f32>;            // (tokens, columns)
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;      // (tokens, columns)
@group(0) @binding(5) var<storage, read_write> d_gate: array<f32>;  // (tokens, columns / share)

// The argument of exp is clamped: WGSL may assume that no infinity occurs.
fn opening(gate: f32) -> f32 {
  return 1.0 / (1.0 + exp(min(-gate, 87.0)));
}

@compute @workgroup_size(64)
fn open_heads_backward(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.size / params.share) {
    return;
  }
  let open = opening(gate[i]);
  var products = 0.0;
  for (var at = i * params.share; at < (i + 1u) * params.share; at++) {
    dx[at] = dy[at] * open;
    products += dy[at] * x[at];
  }
  // 1 - sigmoid is taken as sigmoid(-gate): the difference would cancel where the gate is large.
  d_gate[i] = products * open * opening(-gate[i]);
}
