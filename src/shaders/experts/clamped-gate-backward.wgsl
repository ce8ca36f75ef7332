// Gradients of y = (u + 1) · g · σ(α · g), g being at most `limit`, and u between it and its opposite; what
// is beyond its bounds has none. Gates and values come by turns. One invocation an element of dy.
struct Params {
  size: u32,
  alpha: f32,
  limit: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;         // (size, 2): gate, value
@group(0) @binding(2) var<storage, read> dy: array<f32>;        // (size)
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;  // (size, 2)

@compute @workgroup_size(64)
fn clamped_gate_backward(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.size) {
    return;
  }
  let gate = min(x[2u * i], params.limit);
  let value = clamp(x[2u * i + 1u], -params.limit, params.limit);
  // Where σ is 0 to f32, exp of the negative would overflow.
  let open = 1.0 / (1.0 + exp(-max(params.alpha * gate, -80.0)));
  let slope = open * (1.0 + params.alpha * gate * (1.0 - open));
  dx[2u * i] = select(0.0, dy[i] * (value + 1.0) * slope, x[2u * i] <= params.limit);
  dx[2u * i + 1u] = select(0.0, dy[i] * gate * open, abs(x[2u * i + 1u]) <= params.limit);
}
