// Gradients of RMS norm along each row, with r = 1 / sqrt(mean(s²) + eps), n = s · r and
// g = dy · (offset + weight): dx = r · (g - n · mean(g · n)), and dn = dy · n, whose column sums are
// dweight.
struct Params {
  rows: u32,
  columns: u32,
  eps: f32,
  offset: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> s: array<Element>;         // (rows, columns)
@group(0) @binding(2) var<storage, read> weight: array<Element>;    // (columns)
@group(0) @binding(3) var<storage, read> dy: array<Element>;        // (rows, columns)
@group(0) @binding(4) var<storage, read_write> dx: array<Element>;  // (rows, columns)
@group(0) @binding(5) var<storage, read_write> dn: array<Element>;  // (rows, columns)

@compute @workgroup_size(GROUP)
fn rms_norm_backward(
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
  let size = f32(params.columns);

  var squares = Element();
  var products = Element();
  for (var i = first + lane; i < end; i += LANES) {
    squares += s[i] * s[i];
    products += dy[i] * (params.offset + weight[i - first]) * s[i];
  }
  let r = inverseSqrt(sum_over_row(sum_of(squares), lane) / size + params.eps);
  let mean_gn = r * sum_over_row(sum_of(products), lane) / size;
  for (var i = first + lane; i < end; i += LANES) {
    let n = s[i] * r;
    dx[i] = r * (dy[i] * (params.offset + weight[i - first]) - n * mean_gn);
    dn[i] = dy[i] * n;
  }
}
