// y = x in f16, two numbers to a word. What f16 cannot hold stays at its ends.
struct Params {
  words: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec2f>;      // (words)
@group(0) @binding(2) var<storage, read_write> y: array<u32>;  // (words)

@compute @workgroup_size(64)
fn pack_halves(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i < params.words) {
    y[i] = pack2x16float(clamp(x[i], vec2f(-65504.0), vec2f(65504.0)));
  }
}
