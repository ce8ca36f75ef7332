// loss = log Σ exp(x) - (1 - smoothing) · x[label] - smoothing · mean(x) of each row.
struct Params {
  rows: u32,
  columns: u32,
  smoothing: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;           // (rows, columns)
@group(0) @binding(2) var<storage, read> label: array<u32>;       // (rows)
@group(0) @binding(3) var<storage, read_write> loss: array<f32>;  // (rows)

@compute @workgroup_size(GROUP)
fn cross_entropy(
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
  // Both sums in one pass, which costs less than the exponentials by fours and another one.
  var total = 0.0;
  var plain = 0.0;
  for (var i = first + lane; i < end; i += LANES) {
    total += exp(x[i] - largest);
    plain += x[i] - largest;
  }
  total = sum_over_row(total, lane);
  let mean = sum_over_row(plain, lane) / f32(params.columns);
  if (lane == 0u) {
    let column = label[row];
    let in_range = column < params.columns;
    let own = x[first + select(0u, column, in_range)] - largest;
    loss[row] = select(label_loss(log(total), own, mean), 0.0, column == IGNORED);
  }
}
