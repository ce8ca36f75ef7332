// gradient += l1 · sign(p) + l2 · p: penalties of l1 · Σ |p| and l2 / 2 · Σ p², of parameters that decay.
struct Params {
  size: u32,
  l1: f32,
  l2: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> parameter: array<vec4f>;       // (size) of 4 elements
@group(0) @binding(2) var<storage, read> flags: array<u32>;             // (size), a byte an element
@group(0) @binding(3) var<storage, read_write> gradient: array<vec4f>;  // (size)

@compute @workgroup_size(64)
fn penalty(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.size) {
    return;
  }
  let p = parameter[i];
  let slope = params.l1 * sign(p) + params.l2 * p;
  gradient[i] += select(vec4f(0.0), slope, has_flag(flags[i], DECAYS));
}
