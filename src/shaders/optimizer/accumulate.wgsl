// total += x, or total = x at the FIRST of several gradients.
struct Params {
  size: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;            // (size) of 4 elements
@group(0) @binding(2) var<storage, read_write> total: array<vec4f>;  // (size)

@compute @workgroup_size(64)
fn accumulate(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.size) {
    return;
  }
  if (FIRST) {
    total[i] = x[i];
  } else {
    total[i] += x[i];
  }
}
