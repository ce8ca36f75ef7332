// Multiply-adds in eight chains a thread that do not wait for each other.
struct Params {
  rounds: u32,
  factor: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;  // (threads)

@compute @workgroup_size(256)
fn fma_loop(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = workgroup_index(id, count) * 256u + local;
  let factor = vec4f(params.factor);
  let start = vec4f(f32(local));
  var a = start;
  var b = start + 1.0;
  var c = start + 2.0;
  var d = start + 3.0;
  var e = start + 4.0;
  var f = start + 5.0;
  var g = start + 6.0;
  var h = start + 7.0;
  for (var round = 0u; round < params.rounds; round += 1u) {
    a = fma(a, factor, start);
    b = fma(b, factor, start);
    c = fma(c, factor, start);
    d = fma(d, factor, start);
    e = fma(e, factor, start);
    f = fma(f, factor, start);
    g = fma(g, factor, start);
    h = fma(h, factor, start);
  }
  y[i] = a + b + c + d + e + f + g + h;
}
