// What heads of attention make, each column or all of a head let through by a gate: y = x · sigmoid(gate).
// One invocation an element.
struct Params {
  size: u32,
  share: u32,    // columns of x that a gate is for
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // (tokens, columns)
@group(0) @binding(2) var<storage, read> gate: array<f32>;     // (tokens, columns / share)
@group(0) @binding(3) var<storage, read_write> y: array<f32>;  // (tokens, columns)

@compute @workgroup_size(64)
fn open_heads(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.size) {
    return;
  }
  // The argument of exp is clamped: WGSL may assume that no infinity occurs.
  y[i] = x[i] / (1.0 + exp(min(-gate[i / params.share], 87.0)));
}
