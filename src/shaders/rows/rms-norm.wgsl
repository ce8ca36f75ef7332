// y = s / sqrt(mean(s²) + eps) · (offset + weight) along each row, s = x + residual.
// Root Mean Square Layer Normalization, Zhang & Sennrich, arXiv 1910.07467, eq. 4. With a residual,
// s is written to `sum`; each lane reads back only what it wrote itself.
struct Params {
  rows: u32,
  columns: u32,
  eps: f32,
  offset: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Element>;          // (rows, columns)
@group(0) @binding(2) var<storage, read> residual: array<Element>;   // (rows, columns)
@group(0) @binding(3) var<storage, read> weight: array<Element>;     // (columns)
@group(0) @binding(4) var<storage, read_write> sum: array<Element>;  // (rows, columns)
@group(0) @binding(5) var<storage, read_write> y: array<Element>;    // (rows, columns)

@compute @workgroup_size(GROUP)
fn rms_norm(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let lane = local % LANES;
  let row = row_of(workgroup_index(id, count), local);
  if (row >= params.rows) {
    return;
  }
  let columns = params.columns / WIDTH;
  let first = row * columns;
  let end = first + columns;

  var squares = Element();
  for (var i = first + lane; i < end; i += LANES) {
    var s = x[i];
    if (HAS_RESIDUAL) {
      s += residual[i];
      sum[i] = s;
    }
    squares += s * s;
  }
  let mean = sum_over_row(sum_of(squares), lane) / f32(params.columns);
  let scale = inverseSqrt(mean + params.eps);

  for (var i = first + lane; i < end; i += LANES) {
    var s = x[i];
    if (HAS_RESIDUAL) {
      s = sum[i];
    }
    y[i] = s * scale * (params.offset + weight[i - first]);
  }
}
