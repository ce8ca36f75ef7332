// The gradient of the balance of experts with respect to the logits of one layer. How many tokens chose an
// expert has none: dl[e] = dy · factor · p[e] · (tokens[e] - Σ p · tokens), p being softmax(l); 0 of padding.
struct Params {
  rows: u32,
  columns: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;         // (rows, columns), the logits
@group(0) @binding(2) var<storage, read> sums: array<f32>;      // (2, columns), see balance-sums
@group(0) @binding(3) var<storage, read> mask: array<u32>;      // (rows), 0 = padding
@group(0) @binding(4) var<storage, read> factor: array<f32>;    // (1), see balance-loss
@group(0) @binding(5) var<storage, read> dy: array<f32>;        // (1)
@group(0) @binding(6) var<storage, read_write> dx: array<f32>;  // (rows, columns)

@compute @workgroup_size(GROUP)
fn balance_loss_backward(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let lane = local % LANES;
  let row = row_of(workgroup_index(id, count), local);
  if (row >= params.rows) {
    return;
  }
  let first = row * params.columns;
  let end = first + params.columns;
  let largest = largest_of_row(first, end, lane);
  let scale = 1.0 / exp_sum_of_row(first, end, largest, lane);
  var mean = 0.0;
  for (var i = first + lane; i < end; i += LANES) {
    mean += exp(x[i] - largest) * scale * sums[i - first];
  }
  mean = sum_over_row(mean, lane);
  let by = select(0.0, dy[0] * factor[0] * scale, mask[row] != 0u);
  for (var i = first + lane; i < end; i += LANES) {
    dx[i] = by * exp(x[i] - largest) * (sums[i - first] - mean);
  }
}
