// The gradient of -log sigmoid(z · x): -z · sigmoid(-z · x) · dy. One invocation a pair.
struct Params {
  size: u32,     // columns · columns
  columns: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;         // (columns, columns)
@group(0) @binding(2) var<storage, read> dy: array<f32>;        // (columns, columns)
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;  // (columns, columns)

@compute @workgroup_size(64)
fn sigmoid_loss_backward(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.size) {
    return;
  }
  let sign = select(-1.0, 1.0, i / params.columns == i % params.columns);
  // Of the two forms of the sigmoid, the one whose exponential does not overflow.
  let e = exp(-abs(x[i]));
  let share = select(1.0, e, sign * x[i] > 0.0) / (1.0 + e);
  dx[i] = -sign * share * dy[i];
}
