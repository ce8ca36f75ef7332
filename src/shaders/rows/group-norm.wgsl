// Group normalization over time (Wu and He, 2018, arXiv 1803.08494): each group of channels at zero mean and
// unit variance, then, where HAS_AFFINE, each channel scaled and shifted. One invocation an element.
struct Params {
  size: u32,
  channels: u32,
  groups: u32,
  length: u32,  // elements of a group
  eps: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // (batches, time, channels)
@group(0) @binding(2) var<storage, read> sums: array<f32>;     // (batches, groups)
@group(0) @binding(3) var<storage, read> squares: array<f32>;  // (batches, groups), of distances
@group(0) @binding(4) var<storage, read> weight: array<f32>;   // (channels)
@group(0) @binding(5) var<storage, read> bias: array<f32>;     // (channels)
@group(0) @binding(6) var<storage, read_write> y: array<f32>;  // (batches, time, channels)

@compute @workgroup_size(64)
fn group_norm(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.size) {
    return;
  }
  let channel = i % params.channels;
  let batch = i / (params.length * params.groups);
  let own = batch * params.groups + channel / (params.channels / params.groups);
  let length = f32(params.length);
  let value = (x[i] - sums[own] / length) * inverseSqrt(squares[own] / length + params.eps);
  if (HAS_AFFINE) {
    y[i] = value * weight[channel] + bias[channel];
  } else {
    y[i] = value;
  }
}
