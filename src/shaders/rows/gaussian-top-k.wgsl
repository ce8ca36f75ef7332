// y = max(0, x - (mean + deviations · std)) along each row: of numbers that are distributed normally, a share
// of the largest.
struct Params {
  rows: u32,
  columns: u32,
  deviations: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // (rows, columns)
@group(0) @binding(2) var<storage, read_write> y: array<f32>;  // (rows, columns)

@compute @workgroup_size(GROUP)
fn gaussian_top_k(
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
  let moments = row_moments(first, end, lane);
  let cutoff = moments[0] + params.deviations * moments[1];
  for (var i = first + lane; i < end; i += LANES) {
    y[i] = max(0.0, x[i] - cutoff);
  }
}
