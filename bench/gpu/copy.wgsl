// y = x, four elements a thread.
struct Params {
  size: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;        // (size)
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;  // (size)

@compute @workgroup_size(256)
fn copy(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = workgroup_index(id, count) * 256u + local;
  if (i < params.size) {
    y[i] = x[i];
  }
}
