// The gradient of the loss of numbers, 2 · (x - label) · dy; FLAGS: (sigmoid(x) - label) · dy. One
// invocation an element.
struct Params {
  size: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;         // (size)
@group(0) @binding(2) var<storage, read> label: array<f32>;     // (size)
@group(0) @binding(3) var<storage, read> dy: array<f32>;        // (size)
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;  // (size)

@compute @workgroup_size(64)
fn value_loss_backward(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.size) {
    return;
  }
  var slope = 2.0 * (x[i] - label[i]);
  if (FLAGS) {
    // Of the two forms of the sigmoid, the one whose exponential does not overflow.
    let e = exp(-abs(x[i]));
    slope = select(e, 1.0, x[i] > 0.0) / (1.0 + e) - label[i];
  }
  dx[i] = slope * dy[i];
}
