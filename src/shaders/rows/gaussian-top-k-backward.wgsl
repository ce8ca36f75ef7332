// The gradient of what stands above a cutoff, c = mean + deviations · std, along each row: dy where x > c,
// less Σ dy of those · dc/dx, where dc/dx = (1 + deviations · (x - mean) / std) / n.
struct Params {
  rows: u32,
  columns: u32,
  deviations: f32,
}

// Below it numbers are all the same.
const TINY = 1e-30;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;         // (rows, columns)
@group(0) @binding(2) var<storage, read> dy: array<f32>;        // (rows, columns)
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;  // (rows, columns)

@compute @workgroup_size(GROUP)
fn gaussian_top_k_backward(
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
  let mean = moments[0];
  let deviation = moments[1];
  let cutoff = mean + params.deviations * deviation;
  var slopes = 0.0;
  for (var i = first + lane; i < end; i += LANES) {
    slopes += select(0.0, dy[i], x[i] > cutoff);
  }
  let pull = sum_over_row(slopes, lane) / f32(params.columns);
  let steepness = params.deviations / max(deviation, TINY);
  for (var i = first + lane; i < end; i += LANES) {
    let through = select(0.0, dy[i], x[i] > cutoff);
    dx[i] = through - pull * (1.0 + steepness * (x[i] - mean));
  }
}
