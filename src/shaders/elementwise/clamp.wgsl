// y = min(max(x, -limit), limit).
struct Params {
  size: u32,
  limit: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // (size)
@group(0) @binding(2) var<storage, read_write> y: array<f32>;  // (size)

@compute @workgroup_size(64)
fn clamp_elements(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i < params.size) {
    y[i] = clamp(x[i], -params.limit, params.limit);
  }
}
