// y = exp(x - max(x)) / Σ exp(x - max(x)) along each row.
struct Params {
  rows: u32,
  columns: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // (rows, columns)
@group(0) @binding(2) var<storage, read_write> y: array<f32>;  // (rows, columns)

@compute @workgroup_size(GROUP)
fn softmax(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let lane = local % LANES;
  let row = row_of(workgroup_index(id, count), local);
  // Rows past the end repeat the last one and write the same values.
  let first = min(row, params.rows - 1u) * params.columns;
  let end = first + params.columns;

  var largest = LOWEST;
  for (var i = first + lane; i < end; i += LANES) {
    largest = max(largest, x[i]);
  }
  largest = max_over_row(largest, lane);

  // Each lane reads back only the exponentials it wrote itself.
  var total = 0.0;
  for (var i = first + lane; i < end; i += LANES) {
    let value = exp(x[i] - largest);
    y[i] = value;
    total += value;
  }
  let scale = 1.0 / sum_over_row(total, lane);
  for (var i = first + lane; i < end; i += LANES) {
    y[i] *= scale;
  }
}
