// Weights of a convolution over time by their direction and length (Salimans and Kingma, 2016, arXiv
// 1602.07868, eq. 2), a length for each step of the window. One invocation a weight.
struct Params {
  size: u32,
  first: u32,  // of the direction's elements
  steps: u32,  // of a window
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> direction: array<f32>;  // (out, in, steps)
@group(0) @binding(2) var<storage, read> energy: array<f32>;     // (steps): its squares, added up
@group(0) @binding(3) var<storage, read> length: array<f32>;     // (steps)
@group(0) @binding(4) var<storage, read_write> y: array<f32>;    // (rows, in · steps), those of some outputs

@compute @workgroup_size(64)
fn weight_norm(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.size) {
    return;
  }
  let step = (params.first + i) % params.steps;
  y[i] = direction[params.first + i] * (length[step] * inverseSqrt(energy[step]));
}
