// x - log Σ exp(x) of each row, in place. Hidden columns (LOWEST) stay hidden.
struct Params {
  rows: u32,
  columns: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> x: array<f32>;  // (rows, columns)

@compute @workgroup_size(GROUP)
fn log_softmax(
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
  let scale = log(exp_sum_of_row(first, end, largest, lane));
  for (var i = first + lane; i < end; i += LANES) {
    // The difference is exact where it matters; the sum of both would not be.
    x[i] = select(x[i] - largest - scale, LOWEST, x[i] <= LOWEST);
  }
}
