// The loss of numbers: (x - label)²; FLAGS: of what is true or not, -log sigmoid(x) of label 1 and
// -log(1 - sigmoid(x)) of label 0, and what lies between. One invocation an element.
struct Params {
  size: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // (size)
@group(0) @binding(2) var<storage, read> label: array<f32>;    // (size)
@group(0) @binding(3) var<storage, read_write> y: array<f32>;  // (size)

@compute @workgroup_size(64)
fn value_loss(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.size) {
    return;
  }
  if (FLAGS) {
    y[i] = max(x[i], 0.0) - x[i] * label[i] + log(1.0 + exp(-abs(x[i])));
  } else {
    let off = x[i] - label[i];
    y[i] = off * off;
  }
}
