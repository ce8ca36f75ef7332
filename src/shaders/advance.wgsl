// counters += 1: the end of a decoding step.
struct Params {
  counters: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> counter: array<u32>;  // (counters)

@compute @workgroup_size(64)
fn advance(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i < params.counters) {
    counter[i] += 1u;
  }
}
