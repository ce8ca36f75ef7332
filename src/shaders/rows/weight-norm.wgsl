// What makes directions weights (Salimans and Kingma, 2016, arXiv 1602.07868, eq. 2), for each step of the
// window of a convolution over time: the length of the weights over that of their direction. One invocation
// a step.
struct Params {
  steps: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> energy: array<f32>;   // (steps): the direction's squares, added up
@group(0) @binding(2) var<storage, read> length: array<f32>;   // (steps)
@group(0) @binding(3) var<storage, read_write> y: array<f32>;  // (steps)

@compute @workgroup_size(64)
fn weight_norm(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let step = 64u * workgroup_index(id, count) + local;
  if (step >= params.steps) {
    return;
  }
  y[step] = length[step] * inverseSqrt(energy[step]);
}
