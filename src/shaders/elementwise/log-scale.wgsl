// y = x · e^scale + bias, with one scale and one bias for all, one invocation an element.
struct Params {
  size: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // (size)
@group(0) @binding(2) var<storage, read> scale: array<f32>;    // (1)
@group(0) @binding(3) var<storage, read> bias: array<f32>;     // (1)
@group(0) @binding(4) var<storage, read_write> y: array<f32>;  // (size)

@compute @workgroup_size(64)
fn log_scale(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.size) {
    return;
  }
  var value = x[i] * exp(scale[0]);
  if (HAS_BIAS) {
    value += bias[0];
  }
  y[i] = value;
}
