// y = x · √(mean like²) / √max(mean x², least) along each row.
struct Params {
  rows: u32,
  columns: u32,
  least: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // (rows, columns)
@group(0) @binding(2) var<storage, read> like: array<f32>;     // (rows, columns)
@group(0) @binding(3) var<storage, read_write> y: array<f32>;  // (rows, columns)

@compute @workgroup_size(GROUP)
fn match_magnitude(
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
  var own = 0.0;
  var wanted = 0.0;
  for (var i = first + lane; i < end; i += LANES) {
    own += x[i] * x[i];
    wanted += like[i] * like[i];
  }
  let mean = sum_over_row(own, lane) / f32(params.columns);
  let magnitude = sum_over_row(wanted, lane) / f32(params.columns);
  let factor = sqrt(magnitude) * inverseSqrt(max(mean, params.least));
  for (var i = first + lane; i < end; i += LANES) {
    y[i] = x[i] * factor;
  }
}
