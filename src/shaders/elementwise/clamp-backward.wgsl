// The gradient of y = min(max(x, -limit), limit): dy where x is not beyond, bounds included, as in PyTorch.
struct Params {
  size: u32,
  limit: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;         // (size)
@group(0) @binding(2) var<storage, read> dy: array<f32>;        // (size)
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;  // (size)

@compute @workgroup_size(64)
fn clamp_backward(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i < params.size) {
    dx[i] = select(0.0, dy[i], abs(x[i]) <= params.limit);
  }
}
