// The gradient of group normalization. With n = (x - mean) · r, r = 1 / √(variance + eps), dn = dy · weight
// and means over the group: dx = r · (dn - mean(dn) - n · mean(dn · n)). One invocation an element.
struct Params {
  size: u32,
  channels: u32,
  groups: u32,
  length: u32,  // elements of a group
  eps: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;         // (batches, time, channels)
@group(0) @binding(2) var<storage, read> sums: array<f32>;      // (batches, groups)
@group(0) @binding(3) var<storage, read> squares: array<f32>;   // (batches, groups)
@group(0) @binding(4) var<storage, read> dn: array<f32>;        // (batches, time, channels)
@group(0) @binding(5) var<storage, read> dn_sums: array<f32>;   // (batches, groups)
@group(0) @binding(6) var<storage, read> products: array<f32>;  // (batches, groups): Σ dn · (x - mean)
@group(0) @binding(7) var<storage, read_write> dx: array<f32>;  // (batches, time, channels)

@compute @workgroup_size(64)
fn group_norm_backward(
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
  let r = inverseSqrt(squares[own] / length + params.eps);
  let n = (x[i] - sums[own] / length) * r;
  dx[i] = r * (dn[i] - dn_sums[own] / length - n * (r * products[own] / length));
}
