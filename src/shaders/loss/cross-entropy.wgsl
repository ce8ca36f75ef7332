// loss = log Σ exp(x) - (1 - smoothing) · x[label] - smoothing · mean(x) of each row; rows labelled
// IGNORED (-100) get 0.
struct Params {
  rows: u32,
  columns: u32,
  smoothing: f32,
}

const IGNORED = 0xffffff9cu;  // -100 as a two's complement word

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

  var largest = LOWEST;
  for (var i = first + lane; i < end; i += LANES) {
    largest = max(largest, x[i]);
  }
  largest = max_over_row(largest, lane);
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
    // Without smoothing the mean plays no part; it may overflow where columns are masked out.
    let spread = select(0.0, params.smoothing * (mean - own), params.smoothing > 0.0);
    let value = log(total) - own - spread;
    loss[row] = select(value, 0.0, column == IGNORED);
  }
}
