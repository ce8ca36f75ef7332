// y = x, of which two numbers in f16 lie in a word.
struct Params {
  words: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;          // (words)
@group(0) @binding(2) var<storage, read_write> y: array<vec2f>;  // (words)

@compute @workgroup_size(64)
fn unpack_halves(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i < params.words) {
    y[i] = unpack2x16float(x[i]);
  }
}
