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
  if (row >= params.rows) {
    return;
  }
  let first = row * params.columns;
  let end = first + params.columns;

  // The exponentials are computed twice: that costs less than to write them and read them back.
  let largest = largest_of_row(first, end, lane);
  let scale = 1.0 / exp_sum_of_row(first, end, largest, lane);
  let rest = rest_of_row(first, end);
  for (var i = first + lane; i < rest; i += 4u * LANES) {
    let weights = exp(x4_at(i) - largest) * scale;
    y[i] = weights.x;
    y[i + LANES] = weights.y;
    y[i + 2u * LANES] = weights.z;
    y[i + 3u * LANES] = weights.w;
  }
  for (var i = rest + lane; i < end; i += LANES) {
    y[i] = exp(x[i] - largest) * scale;
  }
}
